//! Alarms: what a person has to hear of, told from one event alone.
//!
//! Upstream: events and facts. Downstream: the change feed (`alarm`), and whoever follows it to
//! tell people.

use crate::change::Changes;
use crate::decoded::Event;
use grimnir_events::ClaimId;
use grimnir_events::air::{AirEvent, InterruptReason};
use grimnir_events::crash::CrashAnswer;
use grimnir_events::executor::ExecutorEvent;
use grimnir_events::library::LibraryEvent;
use grimnir_events::output::{OFF_AIR, OutputHealth, OutputReport, REMOVED};
use grimnir_events::sound::SoundEvent;
use grimnir_events::station::StationEvent;
use grimnir_events::webstream::{WebstreamAirEvent, WebstreamEvent, WebstreamHealth};
use serde::{Deserialize, Serialize};

/// How urgent an alarm is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Listeners hear it, or will.
    Alarm,
    /// Something is to be looked at.
    Warning,
    /// An alarm is over.
    Cleared,
}

/// One alarm.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Alarm {
    /// How urgent.
    pub urgency: Urgency,
    /// What it is about; an alarm and its end have the same.
    pub about: String,
    /// What happened, in a sentence.
    pub text: String,
}

/// Tells the alarm that an event is, where it is one.
pub(crate) fn tell(out: &mut Changes, event: &Event) {
    let told = match event {
        Event::Executor(event) => of_executor(event),
        Event::Air(fact) => of_air(&fact.event),
        Event::Library(LibraryEvent::MediaLost { media_id, reason }) => {
            let text = format!("The audio of {media_id} cannot be played: {reason}");
            Some((Urgency::Warning, "media", text))
        }
        _ => None,
    };
    let told = told.map(|(urgency, about, text)| Alarm { urgency, about: about.into(), text });
    let of_one = match event {
        Event::Air(fact) => of_one(&fact.event),
        event => of_removed(event),
    };
    if let Some(alarm) = told.or(of_one) {
        out.push("alarm", &alarm);
    }
}

/// What is removed can no longer say that it is well, least of all while no engine runs.
fn of_removed(event: &Event) -> Option<Alarm> {
    let (about, text) = match event {
        Event::Station(StationEvent::MountRemoved { mount_id }) => {
            (mount_id.to_string(), "A mount is removed.")
        }
        Event::Station(StationEvent::OutputRemoved { output_id }) => {
            (output_id.to_string(), "An output is removed.")
        }
        Event::Webstream(WebstreamEvent::Removed { webstream_id }) => {
            (webstream_id.to_string(), "A webstream is removed.")
        }
        _ => return None,
    };
    Some(Alarm { urgency: Urgency::Cleared, about, text: text.into() })
}

/// Each output, webstream and claim has alarms of its own. That a station left the air is none of
/// theirs, nor that one of them is removed or changed.
fn of_one(event: &AirEvent) -> Option<Alarm> {
    use Urgency::{Alarm as Alarmed, Cleared, Warning};
    let (urgency, about, text) = match event {
        AirEvent::OutputDown { reason, .. } if reason == OFF_AIR => return None,
        AirEvent::OutputDown { mount_id, reason } if reason == REMOVED => {
            (Cleared, mount_id.to_string(), "A mount was removed or changed.".into())
        }
        AirEvent::OutputDown { mount_id, reason } => {
            (Alarmed, mount_id.to_string(), format!("A mount is down: {reason}"))
        }
        AirEvent::OutputUp { mount_id } => (Cleared, mount_id.to_string(), "A mount is up.".into()),
        AirEvent::OutputReported { output_id, report } => {
            let OutputReport::Health { health, reason } = &**report else { return None };
            let (urgency, text) = match health {
                OutputHealth::Down if reason == OFF_AIR => return None,
                OutputHealth::Down if reason == REMOVED => {
                    (Cleared, "An output was removed or changed.".into())
                }
                OutputHealth::Down => (Alarmed, format!("An output is down: {reason}")),
                OutputHealth::Degraded => (Warning, format!("An output is degraded: {reason}")),
                OutputHealth::Up => (Cleared, "An output is up.".into()),
            };
            (urgency, output_id.to_string(), text)
        }
        AirEvent::Webstream(event) => {
            let WebstreamAirEvent::HealthChanged { webstream_id, to, .. } = &**event else {
                return None;
            };
            let (urgency, text) = match to {
                WebstreamHealth::Unhealthy => (Alarmed, "No address of a webstream gives sound."),
                WebstreamHealth::Degraded => (Warning, "A webstream lives on another address."),
                WebstreamHealth::Healthy => (Cleared, "A webstream is well."),
                WebstreamHealth::Unknown => (Cleared, "A webstream is not looked at any more."),
            };
            (urgency, webstream_id.to_string(), text.into())
        }
        AirEvent::SourceFailed { claim_id, reason } => {
            (Warning, source(*claim_id), format!("A source failed: {reason}"))
        }
        AirEvent::SourceRecovered { claim_id } => {
            (Cleared, source(*claim_id), "A source is back.".into())
        }
        // What failed with it cannot come back any more.
        AirEvent::ClaimEnded { claim_id, .. } => {
            (Cleared, source(*claim_id), "A claim of a source ended.".into())
        }
        _ => return None,
    };
    Some(Alarm { urgency, about, text })
}

/// What the alarms of a claim's source are about.
fn source(claim: ClaimId) -> String {
    format!("source:{claim}")
}

type Told = Option<(Urgency, &'static str, String)>;

fn of_executor(event: &ExecutorEvent) -> Told {
    use Urgency::{Alarm, Cleared, Warning};
    Some(match event {
        ExecutorEvent::EngineCrashed { crash, answer: CrashAnswer::Restarted } => {
            (Warning, "engine_crash", format!("The engine crashed ({}).", crash.ended))
        }
        ExecutorEvent::EngineCrashed { crash, answer: CrashAnswer::Minimal } => {
            let text = "The engine crashed too often: only the fallback and emergencies play";
            (Alarm, "engine", format!("{text} ({}).", crash.ended))
        }
        ExecutorEvent::EngineWhole { .. } => {
            (Cleared, "engine", "A whole engine plays again.".into())
        }
        ExecutorEvent::LegalIdMissed { reason, .. } => {
            (Warning, "legal_id", format!("A legal ID was missed: {reason}."))
        }
        ExecutorEvent::StateChanged { .. }
        | ExecutorEvent::SkipRequested { .. }
        | ExecutorEvent::ModeChanged { .. }
        | ExecutorEvent::StartRequested { .. } => return None,
    })
}

fn of_air(event: &AirEvent) -> Told {
    use Urgency::{Alarm, Cleared, Warning};
    Some(match event {
        AirEvent::ProgrammeSilent { .. } => {
            (Alarm, "programme_silence", "The programme is silent.".into())
        }
        AirEvent::ProgrammeHeard {} => {
            (Cleared, "programme_silence", "The programme is heard again.".into())
        }
        AirEvent::Sound(SoundEvent::SourceSilent { .. }) => {
            (Warning, "source_silence", "An item on air is silent by itself.".into())
        }
        AirEvent::Sound(SoundEvent::SourceHeard { .. }) => {
            (Cleared, "source_silence", "The item is heard again.".into())
        }
        AirEvent::Sound(SoundEvent::ClockStepped { by_us, .. }) => {
            (Warning, "clock", format!("The engine's UTC was set by {} ms.", by_us / 1_000))
        }
        AirEvent::SilenceEntered { .. } => {
            (Alarm, "nothing_to_play", "Nothing can be played: silence is sent.".into())
        }
        AirEvent::SilenceLeft {} => (Cleared, "nothing_to_play", "Something plays again.".into()),
        AirEvent::AirInterrupted { reason: InterruptReason::EngineLost, .. } => {
            (Alarm, "interruption", "The programme was interrupted by the engine's loss.".into())
        }
        AirEvent::AirStalled { .. } => {
            (Warning, "stall", "The mix was late: the programme stood still for a moment.".into())
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::ladder::ReleaseReason;
    use grimnir_events::{MountId, OutputId, WebstreamId};

    #[test]
    fn each_output_has_alarms_of_its_own_and_a_station_off_air_is_none() {
        let of = |id: u8, health, reason: &str| {
            let report = Box::new(OutputReport::Health { health, reason: reason.into() });
            of_one(&AirEvent::OutputReported { output_id: OutputId([id; 16]), report })
        };
        let down = of(1, OutputHealth::Down, "refused").expect("an alarm");
        assert_eq!((down.urgency, down.text.contains("refused")), (Urgency::Alarm, true));
        let up = of(1, OutputHealth::Up, "").expect("its end");
        assert_eq!((up.urgency, up.about), (Urgency::Cleared, down.about.clone()));
        assert_ne!(of(2, OutputHealth::Up, "").expect("an end").about, down.about);
        assert_eq!(of(1, OutputHealth::Down, OFF_AIR), None);
        let gone = of(1, OutputHealth::Down, REMOVED).expect("its end");
        assert_eq!((gone.urgency, &gone.about), (Urgency::Cleared, &down.about));
        let removed = StationEvent::OutputRemoved { output_id: OutputId([1; 16]) };
        let gone = of_removed(&Event::Station(removed));
        assert_eq!(
            gone.map(|gone| (gone.urgency, gone.about)),
            Some((Urgency::Cleared, down.about))
        );
    }

    #[test]
    fn a_mount_alarms_where_it_fails_and_not_where_its_station_signs_off() {
        let mount_id = MountId([3; 16]);
        let of = |reason: &str| of_one(&AirEvent::OutputDown { mount_id, reason: reason.into() });
        let down = of("the encoder failed").expect("an alarm");
        assert_eq!(down.urgency, Urgency::Alarm);
        assert_eq!(of(OFF_AIR), None, "a planned sign-off");
        let ends = [
            of(REMOVED),
            of_one(&AirEvent::OutputUp { mount_id }),
            of_removed(&Event::Station(StationEvent::MountRemoved { mount_id })),
        ];
        for end in ends.map(|end| end.expect("its end")) {
            assert_eq!((end.urgency, &end.about), (Urgency::Cleared, &down.about));
        }
    }

    #[test]
    fn an_alarm_of_a_webstream_is_over_when_it_is_well_or_looked_at_no_more() {
        let of = |to| {
            let (webstream_id, from) = (WebstreamId([1; 16]), WebstreamHealth::Unknown);
            let event = WebstreamAirEvent::HealthChanged { webstream_id, from, to };
            of_one(&AirEvent::Webstream(Box::new(event))).expect("is told")
        };
        let alarm = of(WebstreamHealth::Unhealthy);
        assert_eq!(alarm.urgency, Urgency::Alarm);
        assert_eq!(of(WebstreamHealth::Degraded).urgency, Urgency::Warning);
        for over in [WebstreamHealth::Healthy, WebstreamHealth::Unknown] {
            assert_eq!((of(over).urgency, of(over).about), (Urgency::Cleared, alarm.about.clone()));
        }
    }

    #[test]
    fn each_source_has_alarms_of_its_own_which_end_with_its_claim_at_the_latest() {
        let of = |event: AirEvent| of_one(&event).expect("is told");
        let failed = |id: u8| {
            let claim_id = ClaimId([id; 16]);
            of(AirEvent::SourceFailed { claim_id, reason: "its sound ran out".into() })
        };
        let warning = failed(1);
        assert_eq!(warning.urgency, Urgency::Warning);
        assert_ne!(failed(2).about, warning.about);
        let (claim_id, reason) = (ClaimId([1; 16]), ReleaseReason::Completed);
        for over in
            [AirEvent::SourceRecovered { claim_id }, AirEvent::ClaimEnded { claim_id, reason }]
        {
            let over = of(over);
            assert_eq!((over.urgency, &over.about), (Urgency::Cleared, &warning.about));
        }
    }
}
