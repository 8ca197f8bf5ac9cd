//! System calls that a process that decodes has no use for, refused by the kernel (seccomp).
//!
//! Refused with EPERM, not with death: GStreamer and the C library ask for some and go on without.

#![expect(unsafe_code, reason = "no kept crate sets a filter without its own compiler")]

use super::Needs;
use libc::{BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W};
use libc::{SYS_clone, SYS_clone3, SYS_fcntl, SYS_ioctl, SYS_prlimit64, SYS_socket, SYS_tgkill};
use libc::{sock_filter, sock_fprog};

/// Where a call's number, its machine and the low halves of its first arguments stand.
const NUMBER: u32 = 0;
const MACHINE: u32 = 4;
const FIRST: u32 = 16;
const SECOND: u32 = 24;
#[cfg(target_arch = "x86_64")]
const THIS_MACHINE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const THIS_MACHINE: u32 = 0xC000_00B7;
/// Numbers from here on are those of another word length.
#[cfg(target_arch = "x86_64")]
const OTHER_LENGTH: u32 = 0x4000_0000;

/// Orders to a descriptor that have a signal sent to whomever the caller names.
const OWNERS: [u32; 3] = [libc::F_SETOWN as u32, F_SETSIG, F_SETOWN_EX];
const F_SETSIG: u32 = 10;
const F_SETOWN_EX: u32 = 15;
/// The same of sockets: `FIOSETOWN` and `SIOCSPGRP`.
const SOCKET_OWNERS: [u32; 2] = [0x8901, 0x8902];
/// Sockets of the network; a local one would reach the engine's own.
const FAMILIES: [u32; 2] = [libc::AF_INET as u32, libc::AF_INET6 as u32];
/// New views of users, files, processes, the network and the machine.
const NAMESPACES: u32 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP) as u32;

const REFUSED: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const UNKNOWN: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
const ALLOWED: u32 = libc::SECCOMP_RET_ALLOW;

/// Other processes, the machine, and ways around this filter.
const ALWAYS: &[libc::c_long] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_process_mrelease,
    libc::SYS_kcmp,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setparam,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_acct,
    libc::SYS_quotactl,
];
const PROGRAMS: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
];
const NETWORK: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
];

/// Sets the filter: on every thread of the process, or on this one.
pub fn confine(needs: &Needs, every_thread: bool) -> Result<(), String> {
    let program = program(needs);
    let length = u16::try_from(program.len()).map_err(|e| format!("filter: {e}"))?;
    let told = sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    let flags = if every_thread { libc::SECCOMP_FILTER_FLAG_TSYNC } else { 0 };
    // SAFETY: the kernel copies the program, which lives until then and is not changed.
    let set = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const told)
    };
    match set {
        0 => Ok(()),
        _ => Err(format!("filter of system calls: {}", std::io::Error::last_os_error())),
    }
}

fn program(needs: &Needs) -> Vec<sock_filter> {
    let mut made = vec![
        step(BPF_LD | BPF_W | BPF_ABS, MACHINE),
        jump(BPF_JEQ, THIS_MACHINE, 1, 0),
        step(BPF_RET | BPF_K, libc::SECCOMP_RET_KILL_PROCESS),
        step(BPF_LD | BPF_W | BPF_ABS, NUMBER),
    ];
    #[cfg(target_arch = "x86_64")]
    made.extend([jump(BPF_JGE, OTHER_LENGTH, 0, 1), step(BPF_RET | BPF_K, REFUSED)]);
    let mut refused = ALWAYS.to_vec();
    if needs.network {
        made.extend(judged(SYS_socket, FIRST, BPF_JEQ, &FAMILIES, ALLOWED, REFUSED));
    } else {
        refused.extend(NETWORK);
    }
    if needs.programs {
        made.extend(judged(SYS_clone, FIRST, BPF_JSET, &[NAMESPACES], REFUSED, ALLOWED));
    } else {
        refused.extend(PROGRAMS);
        // A thread is no process.
        made.extend(only(SYS_clone, BPF_JSET, libc::CLONE_THREAD as u32));
    }
    // What it makes is in memory, where no filter sees it; the C library asks in the old way then.
    made.extend([jump(BPF_JEQ, SYS_clone3 as u32, 0, 1), step(BPF_RET | BPF_K, UNKNOWN)]);
    made.extend(judged(SYS_fcntl, SECOND, BPF_JEQ, &OWNERS, REFUSED, ALLOWED));
    made.extend(judged(SYS_ioctl, SECOND, BPF_JEQ, &SOCKET_OWNERS, REFUSED, ALLOWED));
    // Its own threads, as abort() does, and its own limits.
    made.extend(only(SYS_tgkill, BPF_JEQ, std::process::id()));
    made.extend(only(SYS_prlimit64, BPF_JEQ, 0));
    for call in refused {
        made.extend([jump(BPF_JEQ, call as u32, 0, 1), step(BPF_RET | BPF_K, REFUSED)]);
    }
    made.push(step(BPF_RET | BPF_K, ALLOWED));
    made
}

/// Lets a call pass only where its first argument is, or has in it, `value`.
fn only(call: libc::c_long, test: u32, value: u32) -> Vec<sock_filter> {
    judged(call, FIRST, test, &[value], ALLOWED, REFUSED)
}

/// Answers a call by an argument: `is` where a value of it passes the test, else `is_not`.
fn judged(
    call: libc::c_long,
    argument: u32,
    test: u32,
    values: &[u32],
    is: u32,
    is_not: u32,
) -> Vec<sock_filter> {
    let count = values.len() as u8;
    let mut made =
        vec![jump(BPF_JEQ, call as u32, 0, count + 3), step(BPF_LD | BPF_W | BPF_ABS, argument)];
    // Over the other values and the answer for none of them.
    let over = (1..=count).rev();
    made.extend(values.iter().zip(over).map(|(value, over)| jump(test, *value, over, 0)));
    made.extend([step(BPF_RET | BPF_K, is_not), step(BPF_RET | BPF_K, is)]);
    made
}

fn step(code: u32, value: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: 0, jf: 0, k: value }
}

fn jump(test: u32, value: u32, is: u8, is_not: u8) -> sock_filter {
    sock_filter { code: (BPF_JMP | test | BPF_K) as u16, jt: is, jf: is_not, k: value }
}
