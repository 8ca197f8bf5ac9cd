//! How many stations with three outputs a core carries, by what one, four and eight cost.

use crate::cost::on_air;
use crate::{pass, report};
use grimnir_tests::Server;
use grimnir_tests::cost::{cpu_seconds, resident_mib};
use std::time::Instant;

pub async fn stations_per_core() {
    let mut alone = f64::NAN;
    for count in [1, 4, 8] {
        let server = Server::start().await;
        let mut stations = Vec::new();
        for number in 0..count {
            stations.push(on_air(&server, number, &[("aac_lc", 64), ("opus", 96)]).await);
        }
        pass(5).await;
        let pid = |station: &str| server.engine_pid(station).expect("the engine runs");
        let pids: Vec<u32> = stations.iter().map(|(stage, _)| pid(&stage.station)).collect();
        let used = || pids.iter().copied().map(cpu_seconds).sum::<f64>();
        let (before, began) = (used(), Instant::now());
        pass(20).await;
        let each = (used() - before) / began.elapsed().as_secs_f64() / f64::from(count as u32);
        alone = if count == 1 { each } else { alone };
        let pause = stations.iter().flat_map(|(_, ears)| ears).map(|ear| ear.longest_pause());
        let pause = pause.max().unwrap_or_default().as_secs_f64() * 1e3;
        report(&format!("station_cpu_of_{count}"), each, "s/s", "station_cpu_of_1", alone);
        report(&format!("longest_pause_of_{count}"), pause, "ms", "limit", 500.0);
        if count == 8 {
            report("stations_per_core", 1.0 / each, "stations", "by_one", 1.0 / alone);
            let memory: f64 = pids.iter().copied().map(resident_mib).sum();
            report("station_resident_of_8", memory / 8.0, "MiB", "aim", 60.0);
        }
    }
}
