//! Templates, given / when / then.

use super::Timeline;
use super::command::TimelineCommand as Command;
use super::edit_tests::{NEXT, before, edit, id, two_hours};
use super::edits::command::EditCommand;
use super::edits::templates::{MAX_TEMPLATES, Taken, anchor_in};
use super::tests::HOUR;
use crate::given::given;
use grimnir_events::edit::{EditEvent, Pin};
use grimnir_events::template::TemplateSpan;
use grimnir_events::timeline::{Anchor, HourPlan, SlotStart, TimelineEvent as Event};
use grimnir_events::{ClockId, TemplateId};

const TEMPLATE: TemplateId = TemplateId([3; 16]);

fn set(name: &str, span: TemplateSpan) -> Command {
    let (name, description) = (name.to_owned(), String::new());
    edit(EditCommand::SetTemplate { template_id: TEMPLATE, name, description, span })
}

fn made() -> Event {
    let (name, description) = ("Summer".into(), String::new());
    let span = TemplateSpan::Day;
    let event = EditEvent::TemplateSet { template_id: TEMPLATE, name, description, span };
    Event::Edited(Box::new(event))
}

fn take(place: u16, lines: bool) -> Command {
    let clock_id = Some(ClockId([4; 16]));
    let hours = vec![Taken { hour: HOUR, place, clock_id }];
    edit(EditCommand::TakeHours { template_id: TEMPLATE, hours, lines })
}

#[test]
fn a_template_is_made_described_and_removed() {
    let after = given::<Timeline>(&[]).when(set("Summer", TemplateSpan::Day)).then(&[made()]);
    let after = after.when(set("Summer", TemplateSpan::Day)).then_nothing();
    let remove = edit(EditCommand::RemoveTemplate { template_id: TEMPLATE });
    let gone = Event::Edited(Box::new(EditEvent::TemplateRemoved { template_id: TEMPLATE }));
    after.when(remove.clone()).then(&[gone]).when(remove).rejected("template_not_found");
    let new = |name: &str| given::<Timeline>(&[]).when(set(name, TemplateSpan::Week));
    new(" ").rejected("template_name_length");
    new(&"x".repeat(101)).rejected("template_name_length");
    let many: Vec<Event> = (0..MAX_TEMPLATES as u8)
        .map(|n| {
            let (name, description) = ("x".into(), String::new());
            let (template_id, span) = (TemplateId([n + 10; 16]), TemplateSpan::Day);
            let event = EditEvent::TemplateSet { template_id, name, description, span };
            Event::Edited(Box::new(event))
        })
        .collect();
    given::<Timeline>(&many).when(set("x", TemplateSpan::Day)).rejected("too_many_templates");
}

#[test]
fn hours_are_taken_down_with_their_lines_and_clocks() {
    let with = || given::<Timeline>(&[two_hours(), vec![made()]].concat());
    let answer = with().when(take(7, true));
    answer.result.expect("accepted");
    let hour = &answer.given.state.templates.all[&TEMPLATE].hours[&7];
    assert_eq!((hour.lines.len(), hour.clock_id), (12, Some(ClockId([4; 16]))));
    assert_eq!(hour.lines[0].start, SlotStart::Soft { grace_ms: 300_000 });
    assert_eq!((hour.lines[1].offset_ms, hour.lines[1].start), (300_000, SlotStart::Free));
    let soft = Anchor::Soft { at: NEXT, grace_us: 300_000_000 };
    assert_eq!(anchor_in(&hour.lines[0], NEXT), soft);
    let bare = with().when(take(7, false));
    bare.result.expect("accepted");
    assert_eq!(bare.given.state.templates.all[&TEMPLATE].hours[&7].lines, []);
    with().when(take(24, true)).rejected("template_hour");
    given::<Timeline>(&two_hours()).when(take(7, true)).rejected("template_not_found");
}

#[test]
fn an_hour_waits_for_its_template_until_it_is_filled() {
    let taken = given::<Timeline>(&[two_hours(), vec![made()]].concat()).when(take(7, true));
    let assign = |place| {
        let hours = vec![(NEXT, place)];
        edit(EditCommand::AssignHours { template_id: TEMPLATE, hours })
    };
    let waiting = taken.given.when(assign(7));
    waiting.result.expect("accepted");
    let waiting = waiting.given.when(assign(7)).then_nothing();
    assert_eq!(waiting.state.templates.waiting[&NEXT], (TEMPLATE, 7));
    let as_it_was = before().state.hours[&NEXT].clone();
    let lines = as_it_was.lines[..3].to_vec();
    let plan = Box::new(HourPlan { lines, ..as_it_was });
    let fill = edit(EditCommand::FillHour { plan, template_id: TEMPLATE });
    let after = waiting.when(fill);
    after.result.expect("accepted");
    let state = after.given.state;
    assert_eq!(state.hours[&NEXT].lines.len(), 3);
    assert_eq!(state.pins.get(&id(22)), Some(&Pin::Hand));
    assert!(state.templates.waiting.is_empty());
    let taken = given::<Timeline>(&[two_hours(), vec![made()]].concat()).when(take(7, true));
    taken.given.when(assign(8)).rejected("template_hour");
}
