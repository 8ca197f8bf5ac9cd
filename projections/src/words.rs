//! Reasons as text: the events' own snake_case words.

use serde::Serialize;
use serde_json::Value;

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
