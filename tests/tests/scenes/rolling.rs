//! The rolling plan over HTTP: two days ahead, firm for one; repaired line by line, rebuilt beyond.

use grimnir_tests::programs::until;
use grimnir_tests::stage::{rows, text};
use grimnir_tests::{Server, Setting, Stage};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// The lines of so many hours from now on, by id.
async fn lines(stage: &Stage, hours: u32) -> BTreeMap<String, Value> {
    let path = format!("/api/v1/schedule?station_id={}&hours={hours}", stage.station);
    let rows = rows(stage.client.get(&path).await);
    rows.into_iter().map(|row| (text(&row, "id").to_owned(), row)).collect()
}

fn hours(lines: &BTreeMap<String, Value>) -> BTreeSet<&str> {
    lines.values().map(|line| text(line, "hour")).collect()
}

fn firm(lines: &BTreeMap<String, Value>) -> BTreeMap<&str, &str> {
    let firm = lines.values().filter(|line| line["firm"] == json!(true));
    firm.map(|line| (text(line, "id"), text(line, "media_id"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn firm_lines_stay_but_for_those_of_a_removed_item_and_what_is_beyond_is_rebuilt() {
    let server = Server::start().await;
    let mut stage = Stage::set(&server, Setting { tracks: 0, ..Setting::default() }).await;
    for n in 0..8 {
        stage.extra(&server, 100.0 + f64::from(n), &[]).await;
    }
    let slot = json!({ "offset_ms": 0, "type": "category", "category": "" });
    stage.clock(vec![slot]).await;
    let station = format!("/api/v1/stations/{}", stage.station);
    // Six hours ahead, three of them firm: as two days and one, and quicker.
    let put = stage.client.request(Method::PUT, &format!("{station}/planning-horizon"));
    let horizon = json!({ "plan_hours": 6, "firm_hours": 3 });
    stage.client.ok(put.json(&horizon)).await;
    stage.start(&server).await;
    let before = until("six hours are planned", PATIENCE, || async {
        let lines = lines(&stage, 24).await;
        (hours(&lines).len() == 6).then_some(lines)
    })
    .await;
    assert!(firm(&before).len() > 40 && firm(&before).len() < before.len(), "{}", before.len());

    // An upload changes nothing firm; what is beyond is rebuilt, and has it.
    let (_, added) = stage.extra(&server, 110.0, &[]).await;
    let rebuilt = until("what is beyond has the new item", PATIENCE, || async {
        let lines = lines(&stage, 24).await;
        lines.values().any(|line| text(line, "media_id") == added).then_some(lines)
    })
    .await;
    let (was, is) = (firm(&before), firm(&rebuilt));
    let stays = is.iter().all(|(id, media)| was.get(id).is_none_or(|was| was == media));
    assert!(stays && is.values().all(|media| *media != added), "{is:?}");
    assert!(is.len() + 2 >= was.len(), "{} of {} firm lines", is.len(), was.len());

    // An item leaves the library: exactly its lines are other lines now.
    let mut coming: Vec<&Value> = rebuilt.values().filter(|l| l["firm"] == json!(true)).collect();
    coming.sort_by_key(|line| text(line, "starts_at").to_owned());
    let gone = text(coming[coming.len() - 4], "media_id").to_owned();
    let removal = stage.client.request(Method::DELETE, &format!("/api/v1/media/{gone}"));
    stage.client.ok(removal).await;
    let locked: BTreeSet<&str> = coming.iter().take(2).map(|line| text(line, "id")).collect();
    let mended = until("no line of the removed item is left", PATIENCE, || async {
        let lines = lines(&stage, 24).await;
        let left = lines.values().filter(|line| text(line, "media_id") == gone);
        (left.filter(|line| !locked.contains(text(line, "id"))).count() == 0).then_some(lines)
    })
    .await;
    let now = firm(&mended);
    for (id, media) in &is {
        let stays = now.get(id) == Some(media);
        let started = !mended.contains_key(*id) && locked.contains(id);
        assert!(stays || started || *media == gone, "{id} of {media} was not to be touched");
    }
    let new = now.keys().filter(|id| !is.contains_key(*id)).count();
    let lost = is.iter().filter(|(id, media)| **media == gone && !locked.contains(*id)).count();
    assert!(lost > 1 && new >= lost - 1, "{new} lines for {lost}");
    let problems = rows(stage.client.get(&format!("{station}/schedule/problems")).await);
    let missing = problems.iter().filter(|problem| text(problem, "kind") == "missing_audio");
    let missing = missing.filter(|problem| !locked.contains(text(problem, "line_id")));
    assert_eq!(missing.count(), 0, "{problems:?}");
    server.assert_no_panic();
}
