/* Records what a process does to the files below one folder: loaded into it by LD_PRELOAD.
 *
 * GRIMNIR_RECORD_ROOT is the folder (its real path), GRIMNIR_RECORD_LOG the file that takes the
 * records. One lock is held over a call and its record, so the log's order is what happened.
 * A call that fails is not recorded. With GRIMNIR_RECORD_FALL the process ends before the so-manieth
 * sync of a file in a folder `segments`: what it wrote is there then, and not synced. Every record
 * bears the file's inode and its true length after the call: what another way than these calls did
 * to the length (a raw fallocate) shows there.
 *
 *   1 kind   8 inode   8 length after   8 offset or length   4 path, 4 other path, 4 data (lengths)
 *   then path, other path, data.          All little endian.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE = 1, WRITE, LENGTH, SYNC, RENAME, UNLINK, MKDIR, RMDIR, UNKNOWN };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[4096];
static size_t root_length;
static int out = -1;
static int syncs_left = -1;

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("GRIMNIR_RECORD_ROOT"), *log = getenv("GRIMNIR_RECORD_LOG");
    if (!folder || !log || strlen(folder) >= sizeof root) return;
    strcpy(root, folder);
    root_length = strlen(root);
    if (getenv("GRIMNIR_RECORD_FALL")) syncs_left = atoi(getenv("GRIMNIR_RECORD_FALL"));
    out = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The process ends with the lock held: no other thread is between a call and its record then. */
__attribute__((destructor)) static void end(void) { pthread_mutex_lock(&lock); }

static void give(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t n = syscall(SYS_write, out, at, length);
        if (n <= 0) abort();
        at += n;
        length -= n;
    }
}

static void record(uint8_t kind, uint64_t inode, uint64_t length, uint64_t number, const char *path,
                   const char *other, const void *data, uint32_t count) {
    uint8_t head[37];
    uint32_t a = strlen(path), b = strlen(other);
    head[0] = kind;
    memcpy(head + 1, &inode, 8);
    memcpy(head + 9, &length, 8);
    memcpy(head + 17, &number, 8);
    memcpy(head + 25, &a, 4);
    memcpy(head + 29, &b, 4);
    memcpy(head + 33, &count, 4);
    give(head, sizeof head);
    give(path, a);
    give(other, b);
    give(data, count);
}

static int inside(const char *path) {
    return out >= 0 && strncmp(path, root, root_length) == 0 &&
           (path[root_length] == '/' || path[root_length] == 0);
}

/* The path of an open file; 0 when it is not below the folder. */
static int of_fd(int fd, char *path, struct stat *st) {
    char link[64];
    if (out < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, 4095);
    if (n <= 0) return 0;
    path[n] = 0;
    return inside(path) && fstat(fd, st) == 0;
}

static int absolute(int dir, const char *name, char *path) {
    char base[4096];
    if (out < 0) return 0;
    if (name[0] == '/') {
        if (strlen(name) >= 4096) return 0;
        strcpy(path, name);
        return inside(path);
    }
    if (dir == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        ssize_t n = readlink(link, base, sizeof base - 1);
        if (n <= 0) return 0;
        base[n] = 0;
    }
    if (snprintf(path, 4096, "%s/%s", base, name) >= 4096) return 0;
    return inside(path);
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int opened(int (*real)(int, const char *, int, ...), int dir, const char *name, int flags,
                  mode_t mode) {
    char path[4096];
    struct stat st;
    if (!absolute(dir, name, path) || !(flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) ||
        (flags & O_TMPFILE) == O_TMPFILE)
        return real(dir, name, flags, mode);
    pthread_mutex_lock(&lock);
    int there = fstatat(AT_FDCWD, path, &st, 0) == 0;
    int fd = real(dir, name, flags, mode), failed = errno;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        if (!there) record(CREATE, st.st_ino, 0, 0, path, "", "", 0);
        else if (flags & O_TRUNC) record(LENGTH, st.st_ino, 0, 0, path, "", "", 0);
    }
    pthread_mutex_unlock(&lock);
    errno = failed;
    return fd;
}

#define OPENER(name) \
    int name(const char *file, int flags, ...) { \
        static int (*real)(int, const char *, int, ...); \
        if (!real) real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat64"); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = va_arg(more, int); \
        va_end(more); \
        return opened(real, AT_FDCWD, file, flags, mode); \
    }
#define OPENER_AT(name) \
    int name(int dir, const char *file, int flags, ...) { \
        static int (*real)(int, const char *, int, ...); \
        if (!real) real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat64"); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = va_arg(more, int); \
        va_end(more); \
        return opened(real, dir, file, flags, mode); \
    }
OPENER(open)
OPENER(open64)
OPENER_AT(openat)
OPENER_AT(openat64)

static void wrote(int fd, off_t offset, const void *data, ssize_t n) {
    char path[4096];
    struct stat st;
    if (n <= 0 || !of_fd(fd, path, &st) || !S_ISREG(st.st_mode)) return;
    if (offset < 0) offset = lseek(fd, 0, SEEK_CUR) - n;
    record(WRITE, st.st_ino, st.st_size, offset, path, "", data, n);
}

#define WRITTEN(call, offset, data) \
    pthread_mutex_lock(&lock); \
    ssize_t n = call; \
    int failed = errno; \
    wrote(fd, offset, data, n); \
    pthread_mutex_unlock(&lock); \
    errno = failed; \
    return n

ssize_t write(int fd, const void *data, size_t count) {
    REAL(write);
    WRITTEN(real(fd, data, count), -1, data);
}
ssize_t pwrite(int fd, const void *data, size_t count, off_t offset) {
    REAL(pwrite);
    WRITTEN(real(fd, data, count, offset), offset, data);
}
ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset) {
    REAL(pwrite64);
    WRITTEN(real(fd, data, count, offset), offset, data);
}
/* Written one part at a time, so that each has its record. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len == 0) continue;
        ssize_t n = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (n < 0) return total > 0 ? total : n;
        total += n;
        if ((size_t)n < parts[i].iov_len) break;
    }
    return total;
}

/* What is recorded of a call on an open file that answers 0 when it was done. */
#define ON_FD(call, kind, number) \
    char path[4096]; \
    struct stat st; \
    pthread_mutex_lock(&lock); \
    int done = call, failed = errno; \
    if (done == 0 && of_fd(fd, path, &st)) \
        record(kind, st.st_ino, S_ISREG(st.st_mode) ? st.st_size : 0, number, path, "", "", 0); \
    pthread_mutex_unlock(&lock); \
    errno = failed; \
    return done

int ftruncate(int fd, off_t length) {
    REAL(ftruncate);
    ON_FD(real(fd, length), LENGTH, length);
}
int ftruncate64(int fd, off64_t length) {
    REAL(ftruncate64);
    ON_FD(real(fd, length), LENGTH, length);
}
/* Zeros within the file change nothing; what lengthens it is seen by the length. */
int fallocate(int fd, int mode, off_t offset, off_t length) {
    REAL(fallocate);
    ON_FD(real(fd, mode, offset, length), mode == 0 ? LENGTH : UNKNOWN, st.st_size);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
    REAL(fallocate64);
    ON_FD(real(fd, mode, offset, length), mode == 0 ? LENGTH : UNKNOWN, st.st_size);
}
int posix_fallocate(int fd, off_t offset, off_t length) {
    REAL(posix_fallocate);
    ON_FD(real(fd, offset, length), LENGTH, st.st_size);
}
static void fall(int fd) {
    char path[4096];
    struct stat st;
    pthread_mutex_lock(&lock);
    if (syncs_left > 0 && of_fd(fd, path, &st) && strstr(path, "/segments/") && --syncs_left == 0)
        _exit(9);
    pthread_mutex_unlock(&lock);
}

int fsync(int fd) {
    REAL(fsync);
    fall(fd);
    ON_FD(real(fd), SYNC, 0);
}
int fdatasync(int fd) {
    REAL(fdatasync);
    fall(fd);
    ON_FD(real(fd), SYNC, 1);
}

#define ON_PATH(kind, from, call) \
    pthread_mutex_lock(&lock); \
    int done = call, failed = errno; \
    if (done == 0) record(kind, 0, 0, 0, from, "", "", 0); \
    pthread_mutex_unlock(&lock); \
    errno = failed; \
    return done

int unlink(const char *name) {
    REAL(unlink);
    char path[4096];
    if (!absolute(AT_FDCWD, name, path)) return real(name);
    ON_PATH(UNLINK, path, real(name));
}
int unlinkat(int dir, const char *name, int flags) {
    REAL(unlinkat);
    char path[4096];
    if (!absolute(dir, name, path)) return real(dir, name, flags);
    ON_PATH(flags & AT_REMOVEDIR ? RMDIR : UNLINK, path, real(dir, name, flags));
}
int rmdir(const char *name) {
    REAL(rmdir);
    char path[4096];
    if (!absolute(AT_FDCWD, name, path)) return real(name);
    ON_PATH(RMDIR, path, real(name));
}
int mkdir(const char *name, mode_t mode) {
    REAL(mkdir);
    char path[4096];
    if (!absolute(AT_FDCWD, name, path)) return real(name, mode);
    ON_PATH(MKDIR, path, real(name, mode));
}

static int renamed(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    char a[4096], b[4096];
    int tracked = absolute(from_dir, from, a) | absolute(to_dir, to, b);
    if (!tracked) return syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_renameat2, from_dir, from, to_dir, to, flags), failed = errno;
    if (done == 0) record(flags ? UNKNOWN : RENAME, 0, 0, 0, a, b, "", 0);
    pthread_mutex_unlock(&lock);
    errno = failed;
    return done;
}
int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return renamed(a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    return renamed(a, from, b, to, flags);
}

/* Counts as nothing, so it leaves no record; and it has to be no real one either. */
int sync_file_range(int fd, off64_t offset, off64_t count, unsigned flags) {
    (void)fd, (void)offset, (void)count, (void)flags;
    return 0;
}
