//! Metrics of the process, read from the kernel when somebody asks.

use opentelemetry::metrics::Meter;

/// Registers the observers; they live as long as the meter's provider.
pub fn observe(meter: &Meter) {
    meter
        .u64_observable_gauge("facteur_process_resident")
        .with_callback(|observer| observer.observe(resident_bytes().unwrap_or_default(), &[]))
        .build();
    meter
        .u64_observable_gauge("facteur_process_open_files")
        .with_callback(|observer| observer.observe(open_files().unwrap_or_default(), &[]))
        .build();
}

/// Reads `VmRSS:     1234 kB`.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

fn open_files() -> Option<u64> {
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(count).ok()
}
