use super::language::Language;
use time::OffsetDateTime;

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// A size with at most one decimal, as the page's script writes it, too.
pub fn size(bytes: u64, language: Language) -> String {
    let (mut tenths, mut unit) = (u128::from(bytes) * 10, 0);
    // What would be rounded to 1024 is one of the next.
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        unit += 1;
        tenths = rounded(u128::from(bytes) * 10, 1 << (10 * unit));
    }
    let (point, mark) = match language {
        Language::English => ('.', ','),
        Language::Portuguese => (',', '.'),
    };
    let whole = match tenths / 10 {
        whole @ 0..1000 => whole.to_string(),
        whole => format!("{}{mark}{:03}", whole / 1000, whole % 1000),
    };
    match tenths % 10 {
        0 => format!("{whole} {}", UNITS[unit]),
        tenth => format!("{whole}{point}{tenth} {}", UNITS[unit]),
    }
}

fn rounded(count: u128, unit: u128) -> u128 {
    (count + unit / 2) / unit
}

/// A time for those without the script, which knows the visitor's clock.
pub fn time(at: OffsetDateTime) -> String {
    format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_one_decimal_at_most_and_the_marks_of_its_language() {
        for (bytes, english, portuguese) in [
            (0, "0 B", "0 B"),
            (999, "999 B", "999 B"),
            (1023, "1,023 B", "1.023 B"),
            (1024, "1 KiB", "1 KiB"),
            (1536, "1.5 KiB", "1,5 KiB"),
            // Halves go up, as in the page's script.
            (1280, "1.3 KiB", "1,3 KiB"),
            ((1 << 20) - 52, "1,023.9 KiB", "1.023,9 KiB"),
            ((1 << 20) - 51, "1 MiB", "1 MiB"),
            (10 << 30, "10 GiB", "10 GiB"),
            (3 << 39, "1.5 TiB", "1,5 TiB"),
            (u64::MAX, "16 EiB", "16 EiB"),
        ] {
            assert_eq!(size(bytes, Language::English), english, "{bytes}");
            assert_eq!(size(bytes, Language::Portuguese), portuguese, "{bytes}");
        }
    }
}
