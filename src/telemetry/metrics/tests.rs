//! What a declared area exposes, from registration to the text that is scraped.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

label_set! {
    /// How a knock ended.
    enum Knock("outcome") {
        /// Opened.
        Opened = "opened",
        /// Nobody heard.
        Unheard = "unheard",
    }
}

label_set! {
    /// Which door.
    enum Door("door") {
        /// At the front.
        Front = "front",
        /// At the back.
        Back = "back",
    }
}

metrics! {
    /// What the doors tell.
    struct DoorMetrics {
        /// Guests let in.
        guests: Counter<()> = "door_guests_total",
        /// Knocks, by how they ended;
        /// over two lines.
        knocks: Counter<Knock> = "door_knocks_total",
        /// Guests inside, by door and outcome.
        inside: Gauge<(Door, Knock)> = "door_inside",
        /// Time from knock to answer.
        wait: Histogram<Knock> = "door_wait_seconds", buckets = LAG_BUCKETS,
        /// Guests by street and town.
        origins: DynamicCounter<2> = "door_origins_total", labels = ["street", "town"],
        /// Time of stay by town.
        stays: DynamicHistogram<1> = "door_stay_seconds", labels = ["town"], buckets = &[1.0, 2.5],
        /// Keys on the hook.
        keys: ScrapedGauge<2> = "door_keys", labels = ["door", "colour"],
        /// Times that the bell rang.
        bells: ScrapedCounter<0> = "door_bells_total",
    }
}

fn doors() -> (Registry, DoorMetrics) {
    let registry = Registry::new();
    let doors = DoorMetrics::register(&registry).unwrap();
    (registry, doors)
}

fn assert_line(registry: &Registry, line: &str) {
    let text = registry.encode().unwrap();
    assert!(
        text.lines().any(|found| found == line),
        "no `{line}` in\n{text}"
    );
}

#[test]
fn every_series_of_a_closed_set_exists_at_zero_from_the_start() {
    let (registry, _doors) = doors();
    for line in [
        "door_guests_total 0",
        "door_knocks_total{outcome=\"opened\"} 0",
        "door_knocks_total{outcome=\"unheard\"} 0",
        "door_inside{door=\"front\",outcome=\"opened\"} 0",
        "door_inside{door=\"front\",outcome=\"unheard\"} 0",
        "door_inside{door=\"back\",outcome=\"opened\"} 0",
        "door_inside{door=\"back\",outcome=\"unheard\"} 0",
        "door_wait_seconds_count{outcome=\"unheard\"} 0",
        "door_wait_seconds_bucket{outcome=\"opened\",le=\"0.001\"} 0",
    ] {
        assert_line(&registry, line);
    }
}

#[test]
fn each_series_counts_for_itself() {
    let (registry, doors) = doors();
    doors.guests.inc();
    doors.guests.inc_by(2);
    doors.knocks.with(Knock::Unheard).inc();
    doors.inside.with((Door::Back, Knock::Opened)).set(4.5);
    doors.inside.with((Door::Front, Knock::Unheard)).dec();
    doors
        .wait
        .with(Knock::Opened)
        .observe(Duration::from_millis(5));
    doors.wait.with(Knock::Opened).observe_seconds(0.5);
    for line in [
        "door_guests_total 3",
        "door_knocks_total{outcome=\"opened\"} 0",
        "door_knocks_total{outcome=\"unheard\"} 1",
        "door_inside{door=\"back\",outcome=\"opened\"} 4.5",
        "door_inside{door=\"front\",outcome=\"unheard\"} -1",
        "door_wait_seconds_bucket{outcome=\"opened\",le=\"0.005\"} 1",
        "door_wait_seconds_bucket{outcome=\"opened\",le=\"0.5\"} 2",
        "door_wait_seconds_sum{outcome=\"opened\"} 0.505",
        "door_wait_seconds_count{outcome=\"unheard\"} 0",
    ] {
        assert_line(&registry, line);
    }
}

#[test]
fn handles_of_the_same_values_are_the_same_series() {
    let (registry, doors) = doors();
    doors.origins.handle(&["High \"Street\"", "York"]).inc();
    doors.origins.handle(&["High \"Street\"", "York"]).inc();
    doors.stays.handle(&["York"]).observe_seconds(2.0);
    assert_line(
        &registry,
        r#"door_origins_total{street="High \"Street\"",town="York"} 2"#,
    );
    assert_line(
        &registry,
        "door_stay_seconds_bucket{town=\"York\",le=\"2.5\"} 1",
    );
}

#[test]
fn scraped_metrics_ask_each_of_their_sources() {
    let (registry, doors) = doors();
    assert!(
        !registry.encode().unwrap().contains("door_keys"),
        "no source, no series"
    );

    doors
        .keys
        .read_by(|| vec![(["front".into(), "red".into()], 2.0)]);
    doors
        .keys
        .read_by(|| vec![(["back".into(), format!("{}ue", "bl").into()], 0.0)]);
    doors.bells.read_by(|| vec![([], to_value(7))]);
    registry
        .counter_fn(Declaration::counter("late_total", "Late.", &["a"]), || {
            vec![(["x".into()], 1.0)]
        })
        .unwrap();

    assert_line(&registry, "door_keys{colour=\"red\",door=\"front\"} 2");
    assert_line(&registry, "door_keys{colour=\"blue\",door=\"back\"} 0");
    assert_line(&registry, "# TYPE door_bells_total counter");
    assert_line(&registry, "door_bells_total 7");
    assert_line(&registry, "late_total{a=\"x\"} 1");
}

#[test]
fn declarations_tell_all_that_is_exposed() {
    let (registry, _doors) = doors();
    assert_eq!(registry.declarations(), DoorMetrics::DECLARATIONS);

    let [guests, knocks, inside, wait, origins, ..] = DoorMetrics::DECLARATIONS else {
        panic!("too few")
    };
    assert_eq!(
        (guests.name, guests.kind),
        ("door_guests_total", Kind::Counter)
    );
    assert_eq!(knocks.help, "Knocks, by how they ended; over two lines.");
    assert_eq!(
        (inside.kind, inside.labels),
        (Kind::Gauge, &["door", "outcome"][..])
    );
    assert_eq!((wait.kind, wait.buckets), (Kind::Histogram, LAG_BUCKETS));
    assert_eq!(origins.labels, ["street", "town"]);
    assert_line(
        &registry,
        "# HELP door_knocks_total Knocks, by how they ended; over two lines.",
    );
}

#[test]
fn a_name_is_registered_once() {
    let (registry, _doors) = doors();
    let refused = DoorMetrics::register(&registry).unwrap_err();
    assert!(
        matches!(
            refused,
            MetricsError::Refused {
                name: "door_guests_total",
                ..
            }
        ),
        "{refused}"
    );
    assert_eq!(
        registry.declarations().len(),
        DoorMetrics::DECLARATIONS.len()
    );
    assert!(
        DoorMetrics::register(&Registry::new()).is_ok(),
        "registries share nothing"
    );
}

#[test]
fn a_label_set_that_contradicts_itself_is_refused() {
    #[derive(Debug, Clone, Copy)]
    struct Crooked(usize);

    impl LabelSet for Crooked {
        const NAMES: &'static [&'static str] = &["a"];

        fn all() -> Vec<Self> {
            vec![Self(1), Self(0)]
        }

        fn index(self) -> usize {
            self.0
        }

        fn values(self) -> Vec<&'static str> {
            vec![if self.0 == 0 { "zero" } else { "one" }]
        }
    }

    let declaration = Declaration::counter("crooked_total", "Crooked.", &["a"]);
    let refused = Counter::<Crooked>::register(&Registry::new(), declaration).unwrap_err();
    assert!(matches!(
        refused,
        MetricsError::LabelSet {
            name: "crooked_total"
        }
    ));
}

#[test]
fn triples_are_indexed_in_their_order() {
    for (place, set) in <(Door, Knock, Door)>::all().into_iter().enumerate() {
        assert_eq!(set.index(), place);
    }
}

#[test]
fn promtool_has_no_complaint() {
    let (registry, doors) = doors();
    doors.origins.handle(&["a\\b\n\"c\"", "York"]).inc();
    doors
        .keys
        .read_by(|| vec![(["front".into(), "red".into()], 2.0)]);
    BuildMetrics::publish(&registry, "sqlite").unwrap();
    ProcessMetrics::publish(&registry).unwrap();
    RuntimeMetrics::register(&registry).unwrap();

    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, of the package `prometheus`, has to be installed");
    let text = registry.encode().unwrap();
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();

    let said = [output.stdout, output.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&said), "", "in\n{text}");
    assert!(output.status.success());
    assert!(
        text.contains("build_info{database=\"sqlite\",profile=\""),
        "{text}"
    );
}
