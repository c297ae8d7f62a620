//! The process as the kernel sees it, read from `/proc` when scraped; absent where there is none.
//!
//! Own code, because the collector of the `prometheus` crate counts CPU time in whole seconds:
//! graphs of it come out in steps.

use std::fs;

use super::registry::{MetricsError, Registry};
use super::scraped::{Sample, ScrapedCounter, ScrapedGauge};

/// Ticks a second in `/proc`: `USER_HZ`, which is 100 in the kernel's ABI wherever this builds.
const TICKS: f64 = 100.0;

crate::metrics! {
    /// What the kernel tells of this process.
    pub struct ProcessMetrics {
        /// Time spent on the CPU, user and system.
        pub cpu: ScrapedCounter<0> = "process_cpu_seconds_total",
        /// Memory held in RAM.
        pub resident: ScrapedGauge<0> = "process_resident_memory_bytes",
        /// Address space in use.
        pub virtual_memory: ScrapedGauge<0> = "process_virtual_memory_bytes",
        /// Open file descriptors.
        pub open_fds: ScrapedGauge<0> = "process_open_fds",
        /// The most file descriptors that may be open.
        pub max_fds: ScrapedGauge<0> = "process_max_fds",
        /// Threads.
        pub threads: ScrapedGauge<0> = "process_threads",
        /// When the process was started, as a Unix time.
        pub start_time: ScrapedGauge<0> = "process_start_time_seconds",
    }
}

impl ProcessMetrics {
    /// Registers the metrics of this process and what reads them.
    pub fn publish(registry: &Registry) -> Result<(), MetricsError> {
        let metrics = Self::register(registry)?;
        // Once: the kernel works the boot time out anew on each read, and a start time that moves
        // by a second would look like a restart.
        let start = start_time();
        metrics.cpu.read_by(|| samples(cpu_seconds()));
        metrics.resident.read_by(|| samples(resident_bytes()));
        metrics.virtual_memory.read_by(|| samples(stat(23)));
        metrics.open_fds.read_by(|| samples(open_fds()));
        metrics.max_fds.read_by(|| samples(max_fds()));
        metrics.threads.read_by(|| samples(stat(20)));
        metrics.start_time.read_by(move || samples(start));
        Ok(())
    }
}

/// One series, or none where the value is not to be had.
fn samples(value: Option<f64>) -> Vec<Sample<0>> {
    value.into_iter().map(|value| ([], value)).collect()
}

/// A field of `/proc/self/stat`, numbered from 1 as in proc(5). The second, the name of the
/// program, may hold anything, so counting begins after its closing parenthesis.
fn stat(field: usize) -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name
        .split_whitespace()
        .nth(field.checked_sub(3)?)?
        .parse()
        .ok()
}

fn cpu_seconds() -> Option<f64> {
    Some((stat(14)? + stat(15)?) / TICKS)
}

fn start_time() -> Option<f64> {
    let boot: f64 = field_of("/proc/stat", "btime")?.parse().ok()?;
    Some(boot + stat(22)? / TICKS)
}

fn resident_bytes() -> Option<f64> {
    let kibibytes: f64 = field_of("/proc/self/status", "VmRSS:")?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

fn max_fds() -> Option<f64> {
    match field_of("/proc/self/limits", "Max open files")?.as_str() {
        "unlimited" => Some(f64::INFINITY),
        limit => limit.parse().ok(),
    }
}

fn open_fds() -> Option<f64> {
    // Less the one that reads the directory.
    let open = fs::read_dir("/proc/self/fd").ok()?.count().checked_sub(1)?;
    u32::try_from(open).ok().map(f64::from)
}

/// The word after `name` on the line that begins with it.
fn field_of(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_read_from_proc() {
        let registry = Registry::new();
        ProcessMetrics::publish(&registry).unwrap();
        let text = registry.encode().unwrap();

        for declaration in ProcessMetrics::DECLARATIONS {
            let line = text
                .lines()
                .find(|line| line.starts_with(declaration.name))
                .unwrap();
            let value: f64 = line.split(' ').nth(1).unwrap().parse().unwrap();
            assert!(
                value > 0.0 || declaration.name == "process_cpu_seconds_total",
                "{line}"
            );
        }
        assert!(text.contains("# TYPE process_cpu_seconds_total counter\n"));
    }

    #[test]
    fn the_start_time_lies_in_the_past_and_near() {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        let start = start_time().unwrap();
        assert!(
            start <= now + 1.0 && now - start < 86_400.0,
            "{start} at {now}"
        );
    }
}
