//! Files that are no log as they are, told by their first bytes.

/// What a file is instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Gzip,
    Utf16,
    JsonArray,
}

impl Encoding {
    /// `None`: it may be a log.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            // RFC 1952.
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            // With a byte order mark, or with the first brace of a log in two bytes.
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{', 0, ..] | [0, b'{', ..] => Some(Self::Utf16),
            _ if head.trim_ascii_start().starts_with(b"[") => Some(Self::JsonArray),
            _ => None,
        }
    }

    /// A log may have such a beginning by chance, or by damage: then it is one if lines of it can be read.
    pub fn may_be_damage(self) -> bool {
        self == Self::JsonArray
    }

    /// What it is, and how it becomes a log.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Gzip => "it is gzip (zcat FILE | tm-run report --log -)",
            Self::Utf16 => "it is UTF-16 (iconv -f UTF-16 -t UTF-8 FILE | tm-run report --log -)",
            Self::JsonArray => "it is one JSON array (jq -c '.[]' FILE | tm-run report --log -)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_log_are_told_by_their_first_bytes() {
        #[track_caller]
        fn case(head: &[u8], encoding: Option<Encoding>) {
            assert_eq!(Encoding::of(head), encoding);
        }
        case(b"\x1f\x8b\x08\x00", Some(Encoding::Gzip));
        case(b"\xff\xfe{\0\"\0", Some(Encoding::Utf16));
        case(b"\xfe\xff\0{\0\"", Some(Encoding::Utf16));
        case(b"{\0\"\0", Some(Encoding::Utf16));
        case(b"\0{\0\"", Some(Encoding::Utf16));
        case(b"[{\"timestamp\":", Some(Encoding::JsonArray));
        case(b"\n  [\n", Some(Encoding::JsonArray));
        case(b"{\"timestamp\": ", None);
        case(b"\xef\xbb\xbf{\"timestamp\"", None);
        case(b"nonsense", None);
        case(b"\x1f", None);
        case(b"", None);
    }
}
