//! Sizes of files as people read them.

/// A number of bytes, in powers of 1000 as disks are sold.
#[expect(clippy::cast_precision_loss, reason = "a size to one digit")]
pub(crate) fn size(bytes: u64) -> String {
    let mut rest = bytes as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        // What would be printed as 1000.0 is one of the next unit.
        if rest < 999.95 {
            return match unit {
                "bytes" => format!("{bytes} bytes"),
                _ => format!("{rest:.1} {unit}"),
            };
        }
        rest /= 1000.0;
    }
    format!("{rest:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_size_is_told_in_the_unit_that_keeps_it_short() {
        for (bytes, told) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_951, "1.0 MB"),
            (2_140_000_000, "2.1 GB"),
            (3_000_000_000_000, "3.0 TB"),
        ] {
            assert_eq!(size(bytes), told);
        }
    }
}
