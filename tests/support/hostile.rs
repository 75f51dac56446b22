//! File names that nobody should send, and what may be left of them.

/// A name as its bytes come from a client, and as it is shown to people.
#[derive(Clone, Debug)]
pub struct Name {
    pub raw: Vec<u8>,
    pub shown: String,
}

/// Every name that has done harm somewhere.
pub fn names() -> Vec<Name> {
    let name = |raw: &[u8], shown: &str| Name { raw: raw.to_vec(), shown: shown.to_owned() };
    let plain = |raw: &str, shown: &str| name(raw.as_bytes(), shown);
    vec![
        plain("../../etc/passwd", "passwd"),
        plain("..\\..\\windows\\win.ini", "win.ini"),
        plain("/etc/shadow", "shadow"),
        plain("a/", "unnamed"),
        plain(".", "unnamed"),
        plain("..", "unnamed"),
        plain(" ", "unnamed"),
        plain("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        plain("\\\\server\\share\\report.doc", "report.doc"),
        plain("nul\0byte.txt", "nulbyte.txt"),
        plain("bell\u{7}and\u{1b}[31mred", "belland[31mred"),
        plain("photo\u{202e}gpj.exe", "photogpj.exe"),
        plain("\u{200f}\u{2066}isolated\u{2069}\u{feff}", "isolated"),
        plain("CON", "CON"),
        plain("COM1.txt", "COM1.txt"),
        plain(".htaccess", ".htaccess"),
        plain("<script>alert(1)</script>", "script>"),
        plain("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
        plain("a\"b;c=d'e,f%41.txt", "a\"b;c=d'e,f%41.txt"),
        plain("'; DROP TABLE uploads; --", "'; DROP TABLE uploads; --"),
        plain("{{7*7}}${7*7}%s%n", "{{7*7}}${7*7}%s%n"),
        plain("-rf", "-rf"),
        plain("文件 ☃ 🦀.bin", "文件 ☃ 🦀.bin"),
        name(b"latin1 \xe9t\xe9.txt", "latin1 \u{fffd}t\u{fffd}.txt"),
        name(b"overlong \xc0\xae\xc0\xae", "overlong \u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
        name(&[b'x'; 4096], &"x".repeat(255)),
        plain(&format!("{}.tar.gz", "é".repeat(2048)), &format!("{}.gz", "é".repeat(126))),
    ]
}

/// The bytes as they may stand in a path.
pub fn percent_encoded(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}
