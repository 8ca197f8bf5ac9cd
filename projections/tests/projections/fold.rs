//! Folding: once is twice, and step by step is from zero.

use crate::history::*;
use grimnir_events::station::StationEvent;
use grimnir_events::{Payload, StreamKind};
use grimnir_ledger::Ledger;
use grimnir_projections::{Decoded, Model, Projector};
use proptest::prelude::*;

async fn commits(ledger: &dyn Ledger) -> Vec<Decoded> {
    let all = ledger.read_all(1, 10_000).await.expect("reads");
    all.iter().map(|r| Decoded::of(r)).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_commit_applied_twice_counts_once(ops in ops(60)) {
        runtime().block_on(async {
            let ledger = ledger_of(&ops).await;
            let (mut once, mut twice) = (Model::default(), Model::default());
            for commit in commits(&*ledger).await {
                let told = once.apply(&commit);
                prop_assert_eq!(twice.apply(&commit), told);
                prop_assert!(twice.apply(&commit).is_empty());
                prop_assert_eq!(&once, &twice);
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_model_resumed_anywhere_equals_one_folded_from_zero(ops in ops(60), at in 0usize..60) {
        runtime().block_on(async {
            let ledger = ledger_of(&ops).await;
            let all = commits(&*ledger).await;
            let (mut whole, mut first) = (Model::default(), Model::default());
            all.iter().for_each(|c| { whole.apply(c); });
            all.iter().take(at).for_each(|c| { first.apply(c); });
            let stored = serde_json::to_string(&first).expect("encodes");
            let mut resumed: Model = serde_json::from_str(&stored).expect("decodes");
            prop_assert_eq!(&resumed, &first);
            all.iter().for_each(|c| { resumed.apply(c); });
            prop_assert_eq!(resumed, whole);
            Ok(())
        })?;
    }

    #[test]
    fn the_projector_equals_the_fold(ops in ops(40)) {
        runtime().block_on(async {
            let ledger = ledger_of(&ops).await;
            let mut whole = Model::default();
            commits(&*ledger).await.iter().for_each(|c| { whole.apply(c); });
            let (views, task) = Projector::spawn(ledger.clone(), None);
            prop_assert!(views.wait_for(ops.len() as u64).await);
            prop_assert_eq!(views.with(Model::clone), whole);
            views.close();
            task.await.expect("ends");
            prop_assert!(!views.wait_for(ops.len() as u64 + 1).await);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn an_event_of_an_unknown_version_is_counted_and_what_follows_is_folded() {
    let ledger = ledger();
    append(&ledger, StreamKind::Station, T0, &[created()]).await;
    let mut strange = grimnir_events::codec::encode(&StationEvent::Started {}).expect("encodes");
    strange.version = StationEvent::VERSION + 1;
    let known = grimnir_events::codec::encode(&StationEvent::Renamed { name: "Two".into() });
    let events = vec![strange, known.expect("encodes")];
    append_encoded(&ledger, StreamKind::Station, T0, events).await;
    let (views, _task) = Projector::spawn(ledger, None);
    assert!(views.wait_for(2).await);
    assert_eq!(views.faults(), 1);
    let row = views.station(STATION).expect("is there");
    assert_eq!((row.name.as_str(), row.on_air), ("Two", false));
}
