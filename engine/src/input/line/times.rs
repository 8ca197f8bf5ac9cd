//! Times of RTP packets and of streams by their sender's own clock.
//!
//! What puts packets in order gives them times that follow the clock here, a little off with each:
//! what is missing between two would be filled by more or less than it was. Here they are as far
//! apart as the sender says, to the sample, however its clock runs against ours: that is evened
//! out where sound enters the mix.

use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

/// Two packets are further apart here than by the sender's clock, or the other way round, by more
/// than this, in nanoseconds: it began to count anew.
const JUMP_NS: i64 = 500_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// The clock of one sender.
struct Sender {
    rate: i64,
    last: Option<Last>,
}

/// The packet before.
struct Last {
    stamp: u32,
    /// The time that it was given here.
    given: i64,
    /// Ticks of the sender since `begin`, which is a time here.
    ticks: i64,
    begin: i64,
}

impl Sender {
    /// The time of a packet with this stamp, which was given `given` here.
    fn time(&mut self, stamp: u32, given: i64) -> i64 {
        let (ticks, begin) = match &self.last {
            None => (0, given),
            Some(last) => {
                // Half of what can be counted is ahead, half behind.
                let step = i64::from(stamp.wrapping_sub(last.stamp).cast_signed());
                let passed = given - last.given;
                match (passed - step * SECOND_NS / self.rate).abs() > JUMP_NS {
                    true => (0, self.at(last) + passed.max(0)),
                    false => (last.ticks + step, last.begin),
                }
            }
        };
        let last = Last { stamp, given, ticks, begin };
        let time = self.at(&last);
        self.last = Some(last);
        time
    }

    fn at(&self, last: &Last) -> i64 {
        last.begin + (i128::from(last.ticks) * i128::from(SECOND_NS) / i128::from(self.rate)) as i64
    }

    /// By how much times are other than they were given.
    fn offset(&self) -> i64 {
        self.last.as_ref().map_or(0, |last| self.at(last) - last.given)
    }
}

/// Has what leaves `order` stamped by its sender's clock, of so many ticks in a second.
pub fn by_sender(order: &gst::Element, rate: u32) -> Result<(), String> {
    let pad = order.static_pad("src").ok_or("packets have no way on")?;
    let sender = Arc::new(Mutex::new(Sender { rate: i64::from(rate), last: None }));
    let what = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.add_probe(what, move |_, info| {
        let mut sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => restamp(&mut sender, buffer),
            Some(gst::PadProbeData::Event(event)) => {
                if let Some(moved) = moved(event, sender.offset()) {
                    *event = moved;
                }
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// Has streams of MPEG-TS say their sender's times. By when its clock's readings came here they
/// are some 50 ms off at first, and a frame that is early then would be cut out.
pub fn of_streams(bin: &gst::Bin) {
    bin.connect_deep_element_added(|_, _, element| {
        if element.factory().is_some_and(|factory| factory.name() == "tsdemux") {
            element.set_property("ignore-pcr", true);
        }
    });
}

fn restamp(sender: &mut Sender, buffer: &mut gst::Buffer) {
    let mut head = [0; 8];
    let Some(given) = buffer.pts().filter(|_| buffer.copy_to_slice(0, &mut head).is_ok()) else {
        return;
    };
    let [_, _, _, _, a, b, c, d] = head;
    let given = i64::try_from(given.nseconds()).unwrap_or(i64::MAX);
    let time = sender.time(u32::from_be_bytes([a, b, c, d]), given);
    let time = u64::try_from(time).unwrap_or(0);
    buffer.make_mut().set_pts(gst::ClockTime::from_nseconds(time));
}

/// That a packet is missing, told of its time by the sender's clock.
fn moved(event: &gst::Event, offset: i64) -> Option<gst::Event> {
    let told = event.structure().filter(|told| told.name() == "GstRTPPacketLost")?;
    let mut told = told.to_owned();
    let at = told.get::<u64>("timestamp").ok()?;
    told.set("timestamp", at.saturating_add_signed(offset));
    Some(gst::event::CustomDownstream::new(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn packets_are_as_far_apart_as_their_sender_says_until_it_begins_anew() {
        let mut sender = Sender { rate: 48_000, last: None };
        let first = u32::MAX - 239;
        assert_eq!(sender.time(first, 700 * MS), 700 * MS);
        // Given a little off, and over the end of what can be counted.
        assert_eq!(sender.time(first.wrapping_add(240), 704 * MS), 705 * MS);
        assert_eq!(sender.offset(), MS);
        assert_eq!(sender.time(first.wrapping_add(720), 716 * MS), 715 * MS);
        // A clock that runs fast: an hour of it is an hour, whenever it came.
        let mut given = 716 * MS;
        for minute in 1..=60u32 {
            given += 59_990 * MS;
            let stamp = first.wrapping_add(720).wrapping_add(minute * 60 * 48_000);
            assert_eq!(sender.time(stamp, given), (715 + i64::from(minute) * 60_000) * MS);
        }
        let before = (715 + 3_600_000) * MS;
        assert_eq!(sender.time(77, given + 900 * MS), before + 900 * MS, "it began anew");
        assert_eq!(sender.time(77 + 480, given + 911 * MS), before + 910 * MS);
    }
}
