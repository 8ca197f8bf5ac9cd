//! Commands about webstreams.

use super::samples::{self, Labelled, labelled, raw};
use grimnir_events::WebstreamId;
use grimnir_events::live::TakePolicy;
use grimnir_events::webstream::WebstreamEvent;
use grimnir_rules::webstream::WebstreamCommand;

pub fn webstream() -> Labelled<WebstreamCommand> {
    use WebstreamCommand::*;
    let webstream_id = WebstreamId(raw(148));
    let webstream = samples::webstream().into_iter().find_map(|(_, event)| match event {
        WebstreamEvent::Set { webstream } => Some(webstream),
        _ => None,
    });
    let plain = |command| (String::new(), command);
    let take = TakePolicy::NextItem;
    let samples = vec![
        plain(Set { webstream: webstream.expect("a sample") }),
        plain(Remove { webstream_id }),
        plain(Start { webstream_id, take, lasts_us: 149_000_000 }),
        plain(Stop { webstream_id }),
        plain(Probe { webstream_id }),
    ];
    labelled!(WebstreamCommand: [Set, Remove, Start, Stop, Probe], samples)
}
