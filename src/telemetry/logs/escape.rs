//! Text made safe for the line that it goes into.

use std::fmt::{self, Write};

/// Writes into a JSON string (RFC 8259, section 7): whatever is written through it stays inside the
/// quotes around it, and on its line.
pub(super) struct JsonString<'a>(pub(super) &'a mut String);

impl Write for JsonString<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // One pass without a branch for each byte finds out that nothing is to be done.
        let reserved = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        if !text
            .bytes()
            .fold(false, |found, byte| found | reserved(byte))
        {
            self.0.push_str(text);
            return Ok(());
        }
        let mut plain = 0;
        // Bytes of multi-byte characters are never one of these, so slicing here is sound.
        for (place, byte) in text.bytes().enumerate() {
            let escaped = match byte {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                b'\n' => "\\n",
                b'\r' => "\\r",
                b'\t' => "\\t",
                ..0x20 => "",
                _ => continue,
            };
            self.0.push_str(text.get(plain..place).unwrap_or_default());
            if escaped.is_empty() {
                write!(self.0, "\\u{byte:04x}")?;
            } else {
                self.0.push_str(escaped);
            }
            plain = place + 1;
        }
        self.0.push_str(text.get(plain..).unwrap_or_default());
        Ok(())
    }
}

/// Writes for a terminal: control characters, which could move the cursor, recolour what follows or
/// forge a line, come out as escapes; line breaks stay, indented.
pub(super) struct TerminalText<'a>(pub(super) &'a mut String);

impl Write for TerminalText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '\n' => self.0.push_str("\n    "),
                '\t' => self.0.push('\t'),
                character if character.is_control() => {
                    write!(self.0, "{}", character.escape_default())?;
                }
                character => self.0.push(character),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(text: &str) -> String {
        let mut line = String::from('"');
        JsonString(&mut line).write_str(text).unwrap();
        line + "\""
    }

    #[test]
    fn what_json_reserves_is_escaped() {
        assert_eq!(
            json("a\"b\\c\n\r\t\u{0}\u{1f}\u{7f}ä\u{2028}"),
            "\"a\\\"b\\\\c\\n\\r\\t\\u0000\\u001f\u{7f}ä\u{2028}\""
        );
    }

    #[test]
    fn a_terminal_gets_no_control_characters() {
        let mut line = String::new();
        TerminalText(&mut line)
            .write_str("a\u{1b}[31mb\r\u{9b}c\nd")
            .unwrap();
        assert_eq!(line, "a\\u{1b}[31mb\\r\\u{9b}c\n    d");
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_as_it_was(text in any::<String>()) {
            let written = json(&text);
            prop_assert!(!written.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }
}
