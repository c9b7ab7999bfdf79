//! Upper bounds of the buckets of histograms, by unit.

/// From a tenth of a millisecond, about one flush of a fast disk, to what a client still waits for.
const SECONDS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    30.0,
];

/// From a short message to the largest that is taken by default.
const BYTES: &[f64] = &[
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
    157_286_400.0,
];

const COUNTS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 10_000.0,
];

/// Returns the bounds for a unit of the catalog.
pub fn of_unit(unit: &str) -> &'static [f64] {
    match unit {
        "s" => SECONDS,
        "By" => BYTES,
        _ => COUNTS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rise() {
        for unit in ["s", "By", ""] {
            assert!(of_unit(unit).windows(2).all(|pair| pair[0] < pair[1]), "{unit}");
        }
    }
}
