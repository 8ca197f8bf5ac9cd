//! Ourselves beside Liquidsoap, in the same minutes, with the same music: what one output and three
//! cost, how fast an override and a skip are heard, how many stations a core carries, how soon an
//! engine sounds.
//!
//! `cargo bench --bench peers -- cost hands` runs the parts that are named, all where none is. Both
//! run at the same time, so that whatever else the machine does burdens both.

mod capacity;
mod cost;
mod hands;
mod liquidsoap;
mod start;

use grimnir_tests::figure::Figure;
use liquidsoap::Liquidsoap;
use std::time::Duration;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|asked| asked == part);
    let peer = Liquidsoap::version();
    println!("{}", peer.as_deref().unwrap_or("Liquidsoap is not installed: `make setup`"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        if wanted("cost") {
            cost::one_output().await;
        }
        if wanted("three") {
            cost::three_outputs().await;
        }
        if wanted("hands") {
            hands::skip_and_override().await;
        }
        if wanted("capacity") {
            capacity::stations_per_core().await;
        }
        if wanted("start") {
            start::first_audio().await;
        }
    });
}

fn report(name: &str, value: f64, unit: &'static str, reference: &'static str, beside: f64) {
    Figure::beside(name, value, unit, (reference, beside)).report();
}

/// Lets so much time pass, which is what is measured over.
async fn pass(seconds: u64) {
    let mut passing = tokio::time::interval(Duration::from_secs(seconds));
    passing.tick().await;
    passing.tick().await;
}

/// A number out of the environment.
fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// The middle one, the 99th of a hundred, and the largest.
fn quantiles(name: &str, mut values: Vec<f64>, reference: &'static str, beside: f64) {
    assert!(!values.is_empty(), "{name}: nothing was measured");
    values.sort_by(f64::total_cmp);
    let at =
        |q: f64| values[((values.len() as f64 * q).ceil() as usize).clamp(1, values.len()) - 1];
    for (word, q) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
        report(&format!("{name}_{word}"), at(q), "ms", reference, beside);
    }
}
