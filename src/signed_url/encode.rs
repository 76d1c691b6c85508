//! JSON and percent-encoding in a single pass: the string to sign and the URL are written side by side.

/// How a byte is written in a JSON string and in a URL.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Class {
    /// Unreserved in RFC 3986: the same in both.
    Plain,
    /// The same in JSON, percent-encoded in the URL.
    Percent,
    /// Escaped in JSON, and the escape percent-encoded in the URL.
    Escape,
}

#[expect(clippy::indexing_slicing, reason = "checked when it is compiled")]
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Percent; 256];
    let mut byte = 0;
    while byte < 256 {
        let character = byte as u8;
        if character.is_ascii_alphanumeric() || matches!(character, b'-' | b'.' | b'_' | b'~') {
            classes[byte] = Class::Plain;
        } else if character < 0x20 || matches!(character, b'"' | b'\\') {
            classes[byte] = Class::Escape;
        }
        byte += 1;
    }
    classes
};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// The string to sign, and next to it the part of the URL that carries it.
pub(super) struct Writer<'a> {
    pub(super) signed: &'a mut Vec<u8>,
    pub(super) url: &'a mut Vec<u8>,
}

impl Writer<'_> {
    /// Start the parameter `name`, written with its `&` and `=`.
    pub(super) fn parameter(&mut self, name: &str) {
        self.url.extend_from_slice(name.as_bytes());
        self.signed.push(b'\n');
    }

    /// Write `json`, and its percent-encoded form into the URL.
    fn fixed(&mut self, json: &str, encoded: &str) {
        self.signed.extend_from_slice(json.as_bytes());
        self.url.extend_from_slice(encoded.as_bytes());
    }

    /// Write a JSON integer.
    pub(super) fn integer(&mut self, value: i64) {
        let mut digits = [0; 20];
        let text = decimal(value, &mut digits);
        self.signed.extend_from_slice(text);
        self.url.extend_from_slice(text);
    }

    /// Write a JSON string.
    pub(super) fn string(&mut self, text: &str) {
        self.fixed("\"", "%22");
        self.characters(text);
        self.fixed("\"", "%22");
    }

    /// Write a JSON array of strings, or `null`.
    pub(super) fn strings(&mut self, list: Option<&[String]>) {
        let Some(list) = list else {
            return self.fixed("null", "null");
        };
        let Some((first, rest)) = list.split_first() else {
            return self.fixed("[]", "%5B%5D");
        };
        self.fixed("[\"", "%5B%22");
        self.characters(first);
        for text in rest {
            self.fixed("\",\"", "%22%2C%22");
            self.characters(text);
        }
        self.fixed("\"]", "%22%5D");
    }

    /// Write a JSON object whose values are strings.
    pub(super) fn object<'b>(
        &mut self,
        members: impl IntoIterator<Item = (&'b String, &'b String)>,
    ) {
        let mut opening = ("{\"", "%7B%22");
        let mut empty = true;
        for (name, value) in members {
            self.fixed(opening.0, opening.1);
            self.characters(name);
            self.fixed("\":\"", "%22%3A%22");
            self.characters(value);
            opening = ("\",\"", "%22%2C%22");
            empty = false;
        }
        if empty {
            self.fixed("{}", "%7B%7D");
        } else {
            self.fixed("\"}", "%22%7D");
        }
    }

    /// Write the inside of a JSON string.
    fn characters(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        loop {
            // Runs of plain characters are copied whole: that is what makes signing fast.
            let plain = plain_prefix(rest);
            let (run, special) = rest.split_at(plain);
            self.signed.extend_from_slice(run);
            self.url.extend_from_slice(run);
            let Some((&byte, after)) = special.split_first() else {
                return;
            };
            if class(byte) == Class::Escape {
                self.escape(byte);
            } else {
                self.signed.push(byte);
                percent(self.url, byte);
            }
            rest = after;
        }
    }

    /// Write a character that JSON escapes, as `JSON.stringify` does.
    // Rare, so it stays out of the fast loop.
    #[cold]
    fn escape(&mut self, byte: u8) {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            _ => {
                let digits = [hex(byte >> 4), hex(byte & 0xf).to_ascii_lowercase()];
                self.fixed("\\u00", "%5Cu00");
                self.signed.extend_from_slice(&digits);
                self.url.extend_from_slice(&digits);
                return;
            }
        };
        self.fixed("\\", "%5C");
        self.signed.push(short);
        if class(short) == Class::Plain {
            self.url.push(short);
        } else {
            percent(self.url, short);
        }
    }
}

/// Percent-encode `text`: RFC 3986's unreserved characters stay, everything else becomes upper-case hex.
pub(super) fn percent_encode(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let (run, special) = rest.split_at(plain_prefix(rest));
        out.extend_from_slice(run);
        let Some((&byte, after)) = special.split_first() else {
            return;
        };
        percent(out, byte);
        rest = after;
    }
}

/// `text`, percent-encoded.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut out = Vec::new();
    percent_encode(&mut out, text);
    String::from_utf8(out).expect("percent-encoded text is ASCII")
}

fn plain_prefix(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|byte| class(*byte) != Class::Plain)
        .unwrap_or(bytes.len())
}

fn percent(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[b'%', hex(byte >> 4), hex(byte & 0xf)]);
}

fn class(byte: u8) -> Class {
    *CLASSES
        .get(usize::from(byte))
        .expect("the table has a row for each byte")
}

fn hex(digit: u8) -> u8 {
    *HEX.get(usize::from(digit))
        .expect("four bits are one hex digit")
}

fn decimal(value: i64, digits: &mut [u8; 20]) -> &[u8] {
    // `unsigned_abs`, because the smallest integer has no positive counterpart.
    let mut rest = value.unsigned_abs();
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).expect("a digit is below ten");
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    if value < 0
        && let Some(place) = digits.iter_mut().rev().nth(used)
    {
        *place = b'-';
        used += 1;
    }
    let (_unused, text) = digits.split_at(digits.len() - used);
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test should stop at once")]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{Writer, decimal, percent_encoded as encoded};

    fn write(write: impl FnOnce(&mut Writer<'_>)) -> (String, String) {
        let (mut signed, mut url) = (Vec::new(), Vec::new());
        write(&mut Writer {
            signed: &mut signed,
            url: &mut url,
        });
        (
            String::from_utf8(signed).unwrap(),
            String::from_utf8(url).unwrap(),
        )
    }

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_writes_them(text: String) {
            let (signed, url) = write(|writer| writer.string(&text));

            prop_assert_eq!(&signed, &serde_json::to_string(&text).unwrap());
            prop_assert_eq!(url, encoded(&signed));
        }

        #[test]
        fn lists_and_objects_are_written_as_serde_json_writes_them(
            list: Vec<String>,
            members: std::collections::BTreeMap<String, String>,
        ) {
            let (signed, url) = write(|writer| writer.strings(Some(&list)));
            prop_assert_eq!(&signed, &serde_json::to_string(&list).unwrap());
            prop_assert_eq!(url, encoded(&signed));

            let (signed, url) = write(|writer| writer.object(&members));
            prop_assert_eq!(&signed, &serde_json::to_string(&members).unwrap());
            prop_assert_eq!(url, encoded(&signed));
        }

        #[test]
        fn integers_are_written_in_decimal(value in any::<i64>()) {
            let mut digits = [0; 20];
            let text = decimal(value, &mut digits).to_vec();
            prop_assert_eq!(String::from_utf8(text).unwrap(), value.to_string());
        }
    }

    #[test]
    fn every_control_character_is_escaped_as_in_serde_json() {
        let text = (0..=0x7f).map(char::from).collect::<String>();

        let (signed, _url) = write(|writer| writer.string(&text));

        assert_eq!(signed, serde_json::to_string(&text).unwrap());
    }

    #[test]
    fn unreserved_characters_stay_and_all_others_become_upper_case_hex() {
        assert_eq!(encoded("aZ09-._~"), "aZ09-._~");
        assert_eq!(encoded(" +/ü\u{1F600}"), "%20%2B%2F%C3%BC%F0%9F%98%80");
        assert_eq!(encoded("!'()*"), "%21%27%28%29%2A");
    }
}
