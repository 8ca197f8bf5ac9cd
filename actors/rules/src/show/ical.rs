//! Instances as a calendar file (iCalendar, RFC 5545), each an event of its own with times in UTC:
//! every exception and every change of the clocks is in it already, and no reader has to know the
//! rules of the station's zone.

use super::Instance;
use grimnir_events::UtcMicros;
use jiff::Timestamp;

/// Longest line, in bytes, without its end.
const LINE_BYTES: usize = 75;

/// The calendar of a station.
pub fn calendar(name: &str, zone: &str, instances: &[Instance], now: UtcMicros) -> String {
    let mut file = String::new();
    let mut line = |text: &str| fold(&mut file, text);
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line("PRODID:-//Grimnir//Schedule//EN");
    line("CALSCALE:GREGORIAN");
    line("METHOD:PUBLISH");
    line(&format!("X-WR-CALNAME:{}", escape(name)));
    line(&format!("X-WR-TIMEZONE:{}", escape(zone)));
    for instance in instances {
        line("BEGIN:VEVENT");
        line(&format!("UID:{}", instance.id));
        line(&format!("DTSTAMP:{}", stamp(now)));
        line(&format!("DTSTART:{}", stamp(instance.from)));
        line(&format!("DTEND:{}", stamp(instance.until)));
        line(&format!("SUMMARY:{}", escape(&instance.name)));
        for (property, text) in [
            ("DESCRIPTION", &instance.description),
            ("CONTACT", &instance.host),
            ("COMMENT", &instance.note),
        ] {
            if !text.is_empty() {
                line(&format!("{property}:{}", escape(text)));
            }
        }
        line(&format!("X-APPLE-CALENDAR-COLOR:{}", escape(&instance.colour)));
        line(if instance.airs() { "STATUS:CONFIRMED" } else { "STATUS:CANCELLED" });
        line("TRANSP:TRANSPARENT");
        line("END:VEVENT");
    }
    line("END:VCALENDAR");
    file
}

fn stamp(at: UtcMicros) -> String {
    let end = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let at = Timestamp::from_microsecond(at.0).unwrap_or(end);
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A text as a value: what would end it is escaped, what cannot stand in one is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push(c),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// Appends a line; a long one goes on in lines that begin with a space, cut between letters.
fn fold(file: &mut String, text: &str) {
    let mut room = LINE_BYTES;
    for c in text.chars() {
        if c.len_utf8() > room {
            file.push_str("\r\n ");
            room = LINE_BYTES - 1;
        }
        file.push(c);
        room -= c.len_utf8();
    }
    file.push_str("\r\n");
}
