//! A running control plane that archives what it seals.

use crate::house::*;
use grimnir_tests::nats::{get, until};
use grimnir_tests::programs::{program, send};
use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A control plane without engines.
struct Served {
    child: Child,
    port: u16,
}

impl Served {
    fn start(data: &Path, archive: &Path) -> Self {
        let mut command = Command::new(program("grimnir"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--mount-port", "0", "--engine", "none"])
            .args(["--data", text(data), "--archive", &url(archive)])
            .env("GRIMNIR_ADMIN_PASSWORD", "a password of these tests")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let rest = line.strip_prefix("API:")?.trim().strip_prefix("http://127.0.0.1:")?;
            rest.split('/').next()?.parse().ok()
        });
        Self { child, port: port.expect("serves") }
    }
    fn archive(&self) -> Option<Value> {
        let ready: Value = serde_json::from_str(&get(self.port, "/readyz")?).ok()?;
        assert_eq!(ready["ready"], true, "the archive makes it no less ready: {ready}");
        Some(ready["archive"].clone())
    }
    fn until(&self, what: &str, right: impl Fn(&Value) -> bool) -> Value {
        until(what, || self.archive().filter(|found| right(found)))
    }
    fn metric(&self, line: &str) -> bool {
        get(self.port, "/metrics").is_some_and(|text| text.contains(line))
    }
    fn stop(mut self) {
        send(self.child.id(), Signal::TERM);
        assert!(self.child.wait().expect("ends").success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_server_archives_says_what_fails_and_goes_on_after_a_restart() {
    let keep = tempfile::tempdir().expect("a folder");
    let (data, archive) = (keep.path().join("data"), keep.path().join("archive"));
    let ledger = data.join("ledger");
    Served::start(&data, &archive).stop();
    // A file where the archive's folder has to be: nothing can be written there.
    std::fs::remove_dir_all(&archive).expect("removes");
    std::fs::write(&archive, "in the way").expect("writes");
    seal_more(&ledger, 1, 4).await;
    let sealed = segments(&ledger).len() as u64 - 1;
    assert!(sealed >= 3, "{sealed}");
    let served = Served::start(&data, &archive);
    let failed = served.until("the fault is told", |found| found["fault"].is_string());
    assert_eq!(failed["segments"], 0, "{failed}");
    assert!(served.metric("grimnir_archive_fault 1\n"));
    std::fs::remove_file(&archive).expect("removes");
    let done = served.until("it is tried again", |found| found["segments"] == sealed);
    assert_eq!((&done["behind"], &done["fault"]), (&0.into(), &Value::Null), "{done}");
    assert!(served.metric("grimnir_archive_fault 0\n"));
    assert!(served.metric(&format!("grimnir_archive_seq {}\n", done["seq"])));
    served.stop();

    // A copy that was cut, while more was sealed: that is told, and the rest is archived.
    let log = std::fs::read_dir(&archive).expect("lists").next().expect("one").expect("lists");
    let cut = &segments(&log.path())[1];
    let bytes = std::fs::read(cut).expect("reads");
    std::fs::write(cut, &bytes[..200]).expect("writes");
    seal_more(&ledger, 100, 3).await;
    let sealed = segments(&ledger).len() as u64 - 1;
    let served = Served::start(&data, &archive);
    let found = served.until("the rest is archived", |found| found["segments"] == sealed - 1);
    let fault = found["fault"].as_str().expect("a fault");
    assert!(fault.contains("is archived with SHA-256"), "{found}");
    assert_eq!(found["behind"], 1);
    std::fs::remove_file(cut).expect("removes");
    served.until("it is whole again", |found| found["segments"] == sealed);
    served.stop();
    let (ok, audit) = verify(&[&url(&archive)]);
    assert!(ok, "{audit}");
}

#[test]
fn an_archive_that_can_never_be_is_refused_at_the_start() {
    let data = tempfile::tempdir().expect("a folder");
    let args = ["serve", "--listen", "127.0.0.1:0", "--data", text(data.path())];
    let said = grimnir(&[&args[..], &["--archive", "gopher://archive"]].concat());
    assert!(!said.ok && said.err.contains("gopher://archive is no archive"), "{said:?}");
}
