//! Whether what was measured can be judged at all. A rate is made of scrapes that come every second, and a load test tells every
//! second what it has counted: a machine that stood still for several of them, under a hypervisor that gave it to others, has
//! neither. That is seen by when Prometheus has samples, and not by what they say, so it is decided before anything of it is
//! compared; what was disturbed is measured again.

use std::time::{Duration, Instant};

use crate::support::machine::Watch;

use super::Window;
use super::stack::{INSTANCE, Stack};

/// So often is a measurement begun before the machine is given up.
const MOST: usize = 6;

/// Without a sample for longer, something is missing: a scrape is a little late now and then, and the next in time again.
const LONGEST_GAP: Duration = Duration::from_millis(1_300);

/// How long the machine has to keep time before it is tried again, and how long that is waited for.
const CALM: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(2);

/// Of `CALM`, the machine may stand still for a fiftieth.
const STILL: Duration = Duration::from_millis(100);

/// What a measurement brings, if everybody could tell in time what happened in it; else it is made again.
pub(super) async fn measured<T>(
    stack: &Stack,
    name: &str,
    mut measure: impl AsyncFnMut(String) -> T,
) -> T {
    let mut seen = Vec::new();
    for attempt in 1..=MOST {
        let began = Window::now();
        let id = format!("{name}-{attempt}");
        let measurement = measure(id.clone()).await;
        let gaps = gaps(stack, &id, began).await;
        if gaps.iter().all(|gap| *gap <= LONGEST_GAP.as_secs_f64()) {
            return measurement;
        }
        seen.push(gaps);
        calm().await;
    }
    panic!(
        "{name} was disturbed {MOST} times: longest time without a scrape and without news of the load, in s: {seen:.1?}"
    );
}

/// The longest gaps between samples since then: of what is scraped, and of what the load tells while it runs.
async fn gaps(stack: &Stack, id: &str, began: f64) -> [f64; 2] {
    let range = format!("[{:.0}s]", Window::now() - began);
    let scraped = stack
        .times(&format!("up{{instance=\"{INSTANCE}\"}}{range}"))
        .await;
    let told = stack
        .times(&format!("k6_vus{{testid=\"{id}\"}}{range}"))
        .await;
    [scraped, told].map(|times| {
        if times.len() < 5 {
            return f64::INFINITY;
        }
        let between = times.windows(2).map(|pair| pair[1] - pair[0]);
        between.fold(0.0, f64::max)
    })
}

/// Waits until the machine keeps time, or may be tried in spite of all.
async fn calm() {
    let begin = Instant::now();
    while begin.elapsed() < LONGEST_WAIT {
        let (watch, since) = (Watch::start().unwrap(), Instant::now());
        tokio::time::sleep(CALM).await;
        let stalls = watch.stop().unwrap();
        if stalls.within(since, Instant::now()) < STILL {
            return;
        }
    }
}
