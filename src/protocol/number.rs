/// Reads a count of bytes: decimal digits only, no sign, no space (RFC 9110, section 8.6: `1*DIGIT`).
///
/// Values past `i64::MAX` are refused, because databases count in signed 64-bit integers; nobody has a file of 8 EiB.
pub(super) fn parse(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| i64::try_from(*number).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_digits_only() {
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("007"), Some(7));
        assert_eq!(parse("9223372036854775807"), Some(i64::MAX as u64));
        for bad in
            ["", "+1", "-1", " 1", "1 ", "1.0", "0x1", "٣", "9223372036854775808", "99999999999999999999"]
        {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
