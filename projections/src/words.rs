//! Reasons as text: the events' own snake_case words.

use crate::live_recordings;
use grimnir_events::live::LiveAirEvent;
use grimnir_events::webstream::WebstreamAirEvent;
use serde::Serialize;
use serde_json::Value;

/// What happened to a live input, in a line of the record.
pub fn of_live(event: &LiveAirEvent) -> String {
    use LiveAirEvent as L;
    match event {
        L::Connected { session_id, address, client, protocol } => {
            format!("connected: {session_id} from {address} by {protocol}: {client}")
        }
        L::Ready { session_id, format } => format!("ready: {session_id}: {format}"),
        L::Claimed { session_id, claim } => format!("claimed: {session_id}: {}", claim.id),
        L::OverBegan { session_id } => format!("over_began: {session_id}"),
        L::OverEnded { session_id } => format!("over_ended: {session_id}"),
        L::Titled { session_id, title } => format!("titled: {session_id}: {title}"),
        L::RanDry { session_id, claim_id } => format!("ran_dry: {session_id}: {claim_id}"),
        L::Disconnected { session_id, reason, bytes } => {
            format!("disconnected: {session_id}: {reason} after {bytes} bytes")
        }
        L::Refused { address, mount, reason, others } => {
            format!("refused: {address} on {mount}: {reason} (others: {others})")
        }
        L::Recording { session_id, report } => live_recordings::told(*session_id, report),
    }
}

/// What a webstream tells, as a line of the as-run holds it.
pub fn of_webstream(event: &WebstreamAirEvent) -> String {
    use WebstreamAirEvent as W;
    let place = |place: &Option<u16>| place.map_or("none".to_owned(), |place| place.to_string());
    match event {
        W::Probed { webstream_id, place, url, health, found } => {
            format!("address {place} {}: {webstream_id}: {url}: {found}", health.word())
        }
        W::HealthChanged { webstream_id, to, .. } => format!("{}: {webstream_id}", to.word()),
        W::Switched { webstream_id, from, to, url, reason, detail } => {
            let (from, to, reason) = (place(from), place(to), of(reason));
            format!("switched: {webstream_id}: {from} to {to}, {reason}: {detail}: {url}")
        }
        W::Ready { webstream_id, format } => format!("ready: {webstream_id}: {format}"),
        W::Claimed { webstream_id, claim, .. } => {
            format!("claimed: {webstream_id}: {}", claim.id)
        }
        W::Titled { webstream_id, title } => format!("titled: {webstream_id}: {title}"),
        W::RanDry { webstream_id, claim_id } => format!("ran_dry: {webstream_id}: {claim_id}"),
        W::Closed { webstream_id, reason, bytes } => {
            format!("closed: {webstream_id}: {reason} after {bytes} bytes")
        }
    }
}

/// The word of a unit variant, or `word: field` of one that says more.
pub fn of(reason: &impl Serialize) -> String {
    match serde_json::to_value(reason) {
        Ok(Value::String(word)) => word,
        Ok(Value::Object(map)) => {
            let part = |(word, fields): (&String, &Value)| {
                let said: Vec<_> = match fields {
                    Value::Object(fields) => fields.values().map(plain).collect(),
                    other => vec![plain(other)],
                };
                format!("{word}: {}", said.join(", "))
            };
            map.iter().map(part).collect::<Vec<_>>().join("; ")
        }
        Ok(other) => plain(&other),
        Err(_) => String::new(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use grimnir_events::air::EndReason;

    #[test]
    fn a_reason_reads_as_the_event_says_it() {
        assert_eq!(super::of(&EndReason::CutByAnchor), "cut_by_anchor");
        let failed = EndReason::Failed { reason: "disk gone".into() };
        assert_eq!(super::of(&failed), "failed: disk gone");
    }
}
