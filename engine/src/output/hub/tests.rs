//! Tests of a mount's hub: who gets what, and who is dropped.

use super::*;
use crate::position::{self, PositionPage};
use grimnir_events::EngineRunId;

const ROOM: Room = Room { burst: 32 * 1024, queue: 256 * 1024, listeners: 3 };

fn hub(dir: &std::path::Path) -> Arc<Hub> {
    let page = PositionPage::open(&dir.join("reached.page")).expect("opens");
    let reached = Arc::new(Reached::new(EngineRunId([1; 16]), page));
    Hub::new(MountId([1; 16]), Some(reached), ROOM, Arc::new(|_| {}))
}

fn push(hub: &Hub, bytes: Bytes, until: i64) {
    hub.push(&Encoded { bytes, from: AirFrame(0), until: AirFrame(until) });
}

fn join(hub: &Arc<Hub>) -> Listener {
    hub.join(Who::default(), false, Arc::new(Notify::new()))
        .unwrap_or_else(|_| panic!("open, and not full"))
}

#[test]
fn the_air_reaches_as_far_as_the_quickest_listener_has_taken_it() {
    let dir = tempfile::tempdir().expect("dir");
    let hub = hub(dir.path());
    let kept = || position::read(&dir.path().join("reached.page")).map(|p| p.air_frame);
    hub.open();
    push(&hub, Bytes::from_static(&[0; 384]), 100);
    assert_eq!(kept(), Some(AirFrame(100)), "with nobody there it is as good as heard");
    let mut quick = join(&hub);
    let _slow = join(&hub);
    push(&hub, Bytes::from_static(&[0; 384]), 200);
    assert_eq!(kept(), Some(AirFrame(100)), "nobody has taken the second piece");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    runtime.block_on(quick.next()).expect("the burst");
    runtime.block_on(quick.next()).expect("the second piece");
    assert_eq!(kept(), Some(AirFrame(200)));
    hub.close("test");
    assert_eq!(kept(), Some(AirFrame(0)));
}

#[test]
fn a_listener_that_does_not_read_is_dropped_and_another_is_not() {
    let dir = tempfile::tempdir().expect("dir");
    let hub = hub(dir.path());
    assert!(hub.join(Who::default(), false, Arc::new(Notify::new())).is_err());
    hub.open();
    let slow = join(&hub);
    let mut quick = join(&hub);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    let frame = Bytes::from(vec![7u8; 1_000]);
    for _ in 0..ROOM.queue / 1_000 + 2 {
        push(&hub, frame.clone(), 1);
        assert_eq!(runtime.block_on(quick.next()).expect("sound").len(), 1_000);
    }
    assert_eq!(hub.listeners(), 1);
    drop(slow);
    hub.close("test");
    assert!(runtime.block_on(quick.next()).is_none());
}

#[test]
fn a_new_listener_gets_a_short_burst() {
    let dir = tempfile::tempdir().expect("dir");
    let hub = hub(dir.path());
    hub.open();
    for _ in 0..200 {
        push(&hub, Bytes::from(vec![0u8; 384]), 1);
    }
    let listener = join(&hub);
    let queued = listener.queued.load(Ordering::Relaxed);
    assert!(queued <= ROOM.burst && queued > ROOM.burst - 384, "{queued}");
}

#[test]
fn whoever_comes_gets_the_headers_of_the_stream_and_then_its_sound() {
    let dir = tempfile::tempdir().expect("dir");
    let hub = hub(dir.path());
    hub.open();
    let mut early = join(&hub);
    hub.begin(&Bytes::from_static(b"head"));
    push(&hub, Bytes::from_static(b"one"), 1);
    let mut late = join(&hub);
    push(&hub, Bytes::from_static(b"two"), 2);
    // The encoder was built again.
    hub.begin(&Bytes::from_static(b"HEAD"));
    push(&hub, Bytes::from_static(b"three"), 3);
    let mut after = join(&hub);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    for listener in [&mut early, &mut late] {
        for expected in ["head", "one", "two", "HEAD", "three"] {
            assert_eq!(runtime.block_on(listener.next()).expect("sound"), expected);
        }
    }
    for expected in ["HEAD", "three"] {
        assert_eq!(runtime.block_on(after.next()).expect("sound"), expected);
    }
    let queued = |listener: &Listener| listener.queued.load(Ordering::Relaxed);
    assert_eq!([queued(&early), queued(&late), queued(&after)], [0; 3]);
}

#[test]
fn a_mount_takes_as_many_as_it_may_and_remembers_how_many_there_were() {
    let dir = tempfile::tempdir().expect("dir");
    let hub = hub(dir.path());
    hub.open();
    let all: Vec<Listener> = (0..3).map(|_| join(&hub)).collect();
    let refused = hub.join(Who::default(), false, Arc::new(Notify::new())).err();
    assert_eq!(refused, Some(Refusal::Full { limit: 3 }));
    drop(all);
    push(&hub, Bytes::from_static(b"sound"), 1);
    let view = hub.view();
    assert_eq!((view.listeners, view.peak), (0, 3));
    let _seat = join(&hub);
}

#[test]
fn a_title_comes_with_the_sound_it_belongs_to() {
    let dir = tempfile::tempdir().expect("dir");
    let hub = hub(dir.path());
    hub.open();
    hub.set_title("Old");
    push(&hub, Bytes::from(vec![0; icy::METAINT]), 1);
    hub.set_title("New");
    push(&hub, Bytes::from(vec![0; icy::METAINT]), 2);
    let listener = hub.join(Who::default(), true, Arc::new(Notify::new()));
    let mut listener = listener.unwrap_or_else(|_| panic!("open, and not full"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    for title in ["Old", "New"] {
        let bytes = runtime.block_on(listener.next()).expect("sound");
        assert_eq!(bytes[icy::METAINT..], icy::block(title));
    }
}

#[test]
fn who_comes_after_a_sign_off_is_given_nothing_of_before() {
    let dir = tempfile::tempdir().expect("dir");
    let hub = hub(dir.path());
    hub.open();
    push(&hub, Bytes::from_static(b"yesterday"), 1);
    let mut there = join(&hub);
    hub.close("test");
    assert!(hub.view().opened.is_none());
    hub.open();
    let mut late = join(&hub);
    push(&hub, Bytes::from_static(b"today"), 2);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    assert_eq!(runtime.block_on(late.next()).expect("sound"), "today");
    assert_eq!(runtime.block_on(there.next()).expect("its burst"), "yesterday");
    assert!(runtime.block_on(there.next()).is_none(), "its connection is over");
}
