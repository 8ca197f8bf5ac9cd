//! The programme bus behind the mixer: the chain that is loaded, the limiter, what must not wait
//! for it, and the last look at every sample.

use grimnir_mix::dsp::duck::DuckSettings;
use grimnir_mix::dsp::silence::{SilenceAction, SilenceSense, SilenceWatch, SilenceWord};
use grimnir_mix::dsp::{Chain, SwappingChain};
use grimnir_mix::{BLOCK, Frame, Limiter, MixGains, sum_with_ceiling};

/// What takes the place of what shapes the programme; made where time does not matter.
pub struct Shape {
    /// The nodes before the limiter.
    pub chain: Box<Chain>,
    /// Ceiling in dBTP, −12 to 0.
    pub ceiling_db: f32,
    /// Way back of the limiter, in ms.
    pub release_ms: f64,
    /// How the programme makes way for what is spoken over it; it acts in the mix.
    pub duck: DuckSettings,
    /// Levels of programme and talk-over in the sum; they act in the mix.
    pub mix: MixGains,
    /// How what leaves is listened to for silence.
    pub programme_silence: Option<SilenceWatch>,
    /// How sources are listened to for silence; in the mix, before their gain.
    pub source_silence: Option<SilenceWatch>,
}

/// The bus; runs on the mix thread.
pub struct Bus {
    chain: SwappingChain,
    limiter: Limiter,
    over: Option<Box<Chain>>,
    watch: Option<SilenceWatch>,
    /// Listens to what leaves; `None` off air, and where nobody asked for it.
    sense: Option<SilenceSense>,
    on_air: bool,
    word: Option<SilenceWord>,
}

/// Levels of one block as it leaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockMeter {
    /// Largest magnitude.
    pub peak: [f32; 2],
    /// Sum of squares.
    pub square_sum: [f64; 2],
}

impl Bus {
    /// A bus with the usual limiter alone, off air.
    pub fn new() -> Self {
        Self {
            chain: SwappingChain::default(),
            limiter: Limiter::new(),
            over: None,
            watch: Some(SilenceWatch::STANDING),
            sense: None,
            on_air: false,
            word: None,
        }
    }

    /// The station is on air, where silence is an alarm, or it is not.
    pub fn listen(&mut self, on_air: bool) {
        if self.on_air != on_air {
            self.on_air = on_air;
            self.sense_anew();
        }
    }

    /// Begins to listen; a silence that was told is over with who told it.
    fn sense_anew(&mut self) {
        if self.sense.as_ref().is_some_and(SilenceSense::is_silent) {
            self.word = Some(SilenceWord::Restored);
        }
        let watch = self.watch.filter(|_| self.on_air);
        self.sense = watch.map(|watch| SilenceSense::new(watch.settings));
    }

    /// Takes another shape: its chain fades in, the limiter moves to its ceiling. Answers what is
    /// to be dropped elsewhere.
    pub fn set(&mut self, shape: Shape) -> Option<Box<Chain>> {
        self.limiter.set(shape.ceiling_db, shape.release_ms);
        let settings = |watch: Option<SilenceWatch>| watch.map(|watch| watch.settings);
        let before = std::mem::replace(&mut self.watch, shape.programme_silence);
        if settings(before) != settings(self.watch) {
            self.sense_anew();
        }
        self.chain.swap(shape.chain)
    }

    /// Frames by which the programme leaves later than it came.
    pub fn latency_frames(&self) -> i64 {
        self.limiter.latency_frames()
    }

    /// A chain that is over, to be dropped elsewhere.
    pub fn take_over(&mut self) -> Option<Box<Chain>> {
        self.over.take()
    }

    /// What the silence sense said, and what is to be done about it.
    pub fn take_word(&mut self) -> Option<(SilenceWord, SilenceAction)> {
        let action = self.watch.map_or(SilenceAction::Alarm, |watch| watch.action);
        self.word.take().map(|word| (word, action))
    }

    /// Runs one block through; nothing but finite samples within the ceiling leaves. `urgent`
    /// enters behind the limiter, whose look-ahead would delay it; the ceiling holds for the sum.
    pub fn process(
        &mut self,
        block: &mut [Frame; BLOCK],
        urgent: Option<&mut [Frame; BLOCK]>,
    ) -> BlockMeter {
        if let Some(over) = self.chain.process(block) {
            self.over = Some(over);
        }
        finite(block);
        self.limiter.process(block);
        if let Some(urgent) = urgent {
            finite(urgent);
            sum_with_ceiling(block, urgent, self.limiter.ceiling());
        }
        // What leaves is listened to, with an emergency in it.
        if let Some(word) = self.sense.as_mut().and_then(|sense| sense.listen(block)) {
            self.word = Some(word);
        }
        let mut meter = BlockMeter::default();
        for frame in block.iter() {
            for (side, sample) in frame.iter().enumerate() {
                meter.peak[side] = meter.peak[side].max(sample.abs());
                meter.square_sum[side] += f64::from(*sample) * f64::from(*sample);
            }
        }
        meter
    }
}

/// What is no number is zero: the mixer's sum is finite, gain times a huge sample may not be.
fn finite(block: &mut [Frame; BLOCK]) {
    for frame in block.iter_mut() {
        *frame = frame.map(|sample| if sample.is_finite() { sample } else { 0.0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_mix::dsp::NodeSpec;
    use grimnir_mix::dsp::silence::SilenceSettings;

    fn shape(gain_db: f64, ceiling_db: f32) -> Shape {
        let chain = Box::new(Chain::of(&[NodeSpec::Gain(gain_db)]));
        let (duck, mix) = (DuckSettings::default(), MixGains::default());
        let (programme_silence, source_silence) = (None, None);
        let release_ms = 100.0;
        Shape { chain, ceiling_db, release_ms, duck, mix, programme_silence, source_silence }
    }

    #[test]
    fn what_is_urgent_leaves_on_its_own_frame_whatever_delays_the_programme() {
        for place in [0, 1, 239, 240, 479] {
            let mut bus = Bus::new();
            // Whatever is loaded: nothing before the limiter may delay either.
            let nodes = ["AGC", "COMPRESSOR", "EQUALIZER"].map(|kind| {
                NodeSpec::parse(kind, &std::collections::BTreeMap::new()).expect("is known")
            });
            let chain = Box::new(Chain::of(&nodes));
            bus.set(Shape { chain, ..shape(0.0, -1.2) });
            for _ in 0..4 {
                bus.process(&mut [[0.0; 2]; BLOCK], None);
            }
            let mut blocks = [[[0f32; 2]; BLOCK]; 2];
            blocks[0][place] = [0.25; 2];
            let mut urgent = [[0f32; 2]; BLOCK];
            urgent[place] = [0.5; 2];
            bus.process(&mut blocks[0], Some(&mut urgent));
            bus.process(&mut blocks[1], None);
            let heard = blocks.concat();
            let at = |least: f32| heard.iter().position(|frame| frame[0] > least);
            assert_eq!(at(0.4), Some(place), "the emergency, on its frame");
            let after = (place + 1..960).find(|n| heard[*n][0].abs() > 0.05);
            let late = place + usize::try_from(bus.latency_frames()).expect("is above 0");
            assert_eq!(after, Some(late), "the programme, behind the look-ahead");
        }
    }

    #[test]
    fn silence_is_told_of_what_leaves_and_is_over_with_who_told_it() {
        let settings = SilenceSettings { duration_frames: 4_800, ..SilenceSettings::STANDING };
        let watch = SilenceWatch { settings, ..SilenceWatch::STANDING };
        let watching = || Shape { programme_silence: Some(watch), ..shape(0.0, -1.2) };
        let mut bus = Bus::new();
        bus.set(watching());
        let words = |bus: &mut Bus, blocks: usize, urgent: f32| {
            let mut words = Vec::new();
            for _ in 0..blocks {
                let mut over = [[urgent; 2]; BLOCK];
                bus.process(&mut [[0.0; 2]; BLOCK], (urgent > 0.0).then_some(&mut over));
                words.extend(bus.take_word().map(|(word, _)| word));
            }
            words
        };
        assert_eq!(words(&mut bus, 50, 0.0), [], "a station off air may be silent");
        bus.listen(true);
        assert_eq!(words(&mut bus, 50, 0.25), [], "an emergency is heard over a silent programme");
        let silent = SilenceWord::Silent { since_frames: 4_800 };
        assert_eq!(words(&mut bus, 50, 0.0), [silent], "told once");
        bus.set(watching());
        assert_eq!(words(&mut bus, 50, 0.0), [], "the same sense listens on");
        bus.set(shape(0.0, -1.2));
        assert_eq!(words(&mut bus, 50, 0.0), [SilenceWord::Restored], "nobody listens any more");
        bus.set(watching());
        assert_eq!(words(&mut bus, 20, 0.0), [silent]);
        bus.listen(false);
        assert_eq!(words(&mut bus, 50, 0.0), [SilenceWord::Restored], "off air");
        bus.listen(true);
        assert_eq!(words(&mut bus, 20, 0.0), [silent]);
        assert_eq!(words(&mut bus, 200, 0.25), [SilenceWord::Restored]);
    }

    #[test]
    fn nothing_above_the_ceiling_or_beyond_numbers_leaves() {
        let mut bus = Bus::new();
        assert!(bus.set(shape(24.0, -6.0)).is_none());
        let mut highest = 0f32;
        for n in 0..50u32 {
            let mut block = [[0.7f32, f32::MAX]; BLOCK];
            if n % 7 == 0 {
                block[3] = [f32::NAN, f32::INFINITY];
            }
            let meter = bus.process(&mut block, None);
            assert!(block.iter().flatten().all(|s| s.is_finite()));
            // The first blocks leave under the ceiling before.
            if n > 2 {
                highest = highest.max(meter.peak[0]).max(meter.peak[1]);
            }
        }
        assert!(highest <= 0.501_2, "{highest}");
        assert!(bus.take_over().is_some(), "the chain before is handed back");
    }

    #[test]
    fn what_is_urgent_leaves_in_its_own_block_within_the_ceiling() {
        let mut bus = Bus::new();
        bus.set(shape(0.0, -6.0));
        for _ in 0..4 {
            bus.process(&mut [[0.25f32; 2]; BLOCK], None);
        }
        let (mut block, mut urgent) = ([[0.25f32; 2]; BLOCK], [[0.125f32, 0.9]; BLOCK]);
        bus.process(&mut block, Some(&mut urgent));
        assert_eq!(block[0][0], 0.375, "in its own block");
        assert!(block.iter().all(|frame| frame[1] <= 0.501_2), "{:?}", block[300]);
        let mut block = [[0.25f32; 2]; BLOCK];
        let meter = bus.process(&mut block, None);
        assert_eq!((block[0][0], meter.peak[0]), (0.25, 0.25));
    }
}
