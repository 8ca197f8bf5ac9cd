//! Every deviation is named; nothing else is.

use super::*;
use serde_json::{Value, json};

const SITE: SiteId = SiteId([3; 16]);
const LOG: LogId = LogId([4; 16]);

fn info(replicas: usize, change: impl FnOnce(&mut Value)) -> Info {
    let marks = Marks { log_id: LOG, incarnation: 1 };
    let config = serde_json::to_value(wanted(SITE, &marks, replicas)).expect("encodes");
    let time = "2026-11-21T10:00:00Z";
    let mut value = json!({
        "config": config,
        "created": time,
        "state": {
            "messages": 9, "bytes": 900, "first_seq": 1, "first_ts": time, "last_seq": 9,
            "last_ts": time, "consumer_count": 0,
        },
    });
    change(&mut value);
    serde_json::from_value(value).expect("decodes")
}

fn names(info: &Info, sync: &SyncPolicy) -> Vec<&'static str> {
    deviations(info, SITE, LOG, sync).iter().map(|deviation| deviation.name).collect()
}

#[test]
fn a_stream_as_it_is_made_has_no_deviation() {
    assert_eq!(names(&info(1, |_| {}), &SyncPolicy::Always), Vec::<&str>::new());
    let unread = SyncPolicy::Unread("not asked".into());
    assert_eq!(names(&info(3, |_| {}), &unread), Vec::<&str>::new(), "three need no sync");
    assert_eq!(names(&info(1, |_| {}), &unread), ["sync"]);
    assert_eq!(names(&info(2, |_| {}), &SyncPolicy::Always), ["replicas"]);
}

#[test]
fn each_change_is_named() {
    let changes = [
        ("mirror", "/config/mirror", json!({"name": "OTHER"})),
        ("sources", "/config/sources", json!([{"name": "OTHER"}])),
        ("subject_transform", "/config/subject_transform", json!({"src": "a", "dest": "b"})),
        ("subjects", "/config/subjects", json!(["evt.other.>"])),
        ("log_id", "/config/metadata/log_id", json!(LogId([5; 16]).to_string())),
        ("log_id", "/config/metadata/schema", json!("2")),
        ("storage", "/config/storage", json!("memory")),
        ("retention", "/config/retention", json!("interest")),
        ("max_msg_size", "/config/max_msg_size", json!(1_024)),
        ("no_ack", "/config/no_ack", json!(true)),
        ("sealed", "/config/sealed", json!(true)),
        ("persist_mode", "/config/persist_mode", json!("async")),
        ("allow_msg_counter", "/config/allow_msg_counter", json!(true)),
        ("allow_msg_schedules", "/config/allow_msg_schedules", json!(true)),
        ("num_deleted", "/state/num_deleted", json!(2)),
        ("messages", "/state/messages", json!(8)),
        ("first_seq", "/state/first_seq", json!(2)),
    ];
    for (name, place, value) in changes {
        let (parent, key) = place.rsplit_once('/').expect("a path");
        let changed = info(1, |whole| {
            whole.pointer_mut(parent).expect("is there")[key] = value.clone();
            if name == "first_seq" {
                whole["state"]["messages"] = json!(8);
            }
        });
        assert_eq!(names(&changed, &SyncPolicy::Always), [name], "{place}");
    }
}

#[test]
fn the_class_follows_from_what_was_found() {
    let deviation = |name| Deviation { name, found: String::new(), wanted: String::new() };
    let unread = SyncPolicy::Unread(String::new());
    assert_eq!(class(3, &unread, &[]), Durability::Quorum);
    assert_eq!(class(1, &SyncPolicy::Always, &[]), Durability::SyncAlways);
    assert_eq!(class(1, &unread, &[deviation("sync")]), Durability::Unverified);
    assert_eq!(class(1, &unread, &[deviation("sync"), deviation("max_age")]), Durability::Weaker);
    let every = SyncPolicy::Every(Duration::from_secs(120));
    assert_eq!(class(1, &every, &[deviation("sync")]), Durability::Weaker);
    assert_eq!(class(3, &unread, &[deviation("num_deleted")]), Durability::Weaker);
}
