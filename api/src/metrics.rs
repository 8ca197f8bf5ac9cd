//! What the API counts, and the text that Prometheus reads.

use axum::http::{Method, StatusCode};
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Gauges of the site: name, help, labels, value.
pub type Gauges = Vec<(&'static str, &'static str, Vec<(&'static str, String)>, f64)>;

/// The API's own counts.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    /// Open connections of the change feed.
    pub feed_connections: IntGauge,
    /// Panics caught in handlers.
    pub panics: IntCounter,
}

impl Metrics {
    /// A registry with everything in it at zero.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new("grimnir_http_requests_total", "HTTP requests answered."),
            &["method", "route", "status"],
        )?;
        let durations = HistogramVec::new(
            HistogramOpts::new(
                "grimnir_http_request_duration_seconds",
                "Time from request head to response head.",
            )
            .buckets(vec![0.001, 0.005, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]),
            &["method", "route"],
        )?;
        let feed_connections =
            IntGauge::new("grimnir_feed_connections", "Open connections of the change feed.")?;
        let panics = IntCounter::new("grimnir_panics_total", "Panics caught in handlers.")?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(feed_connections.clone()))?;
        registry.register(Box::new(panics.clone()))?;
        Ok(Self { registry, requests, durations, feed_connections, panics })
    }

    /// Counts one answered request under its route's template.
    pub fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let method = known(method);
        self.requests.with_label_values(&[method, route, status.as_str()]).inc();
        self.durations.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    /// Everything in the text format, the site's gauges after our own.
    pub fn text(&self, gauges: Gauges) -> Result<String, prometheus::Error> {
        let mut bytes = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut bytes)?;
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (name, help, labels, value) in gauges {
            by_name.entry((name, help)).or_default().push((labels, value));
        }
        for ((name, help), samples) in by_name {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{} {value}", label_text(&labels));
            }
        }
        Ok(text)
    }
}

/// Methods are labels, and a client may send any token: only the known ones get their own.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn label_text(labels: &[(&'static str, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("{name}=\"{value}\"")
        })
        .collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_of_the_site_are_grouped_under_one_type_line() {
        let metrics = Metrics::new().expect("names are valid");
        metrics.answered(&Method::GET, "/healthz", StatusCode::OK, Duration::from_millis(2));
        let gauge = |label: &str| ("grimnir_x", "X.", vec![("station_id", label.to_owned())], 1.5);
        let text = metrics.text(vec![gauge("a\"b"), gauge("c")]).expect("encodes");
        assert_eq!(text.matches("# TYPE grimnir_x gauge").count(), 1);
        assert!(text.contains("grimnir_x{station_id=\"a\\\"b\"} 1.5"));
        assert!(text.contains("grimnir_panics_total 0"));
        assert!(text.contains("method=\"GET\",route=\"/healthz\",status=\"200\""));
    }

    #[test]
    fn a_made_up_method_gets_no_label_of_its_own() {
        let method = Method::from_bytes(b"BREW").expect("a token");
        assert_eq!(known(&method), "other");
    }
}
