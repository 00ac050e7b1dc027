//! The lines of the contract, as a tester reads them.

/// A sample's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The topic.
    pub topic: String,
    /// The key.
    pub color: String,
    /// From the left.
    pub x: i32,
    /// From the top.
    pub y: i32,
    /// The size, which numbers the samples with `-z 0`.
    pub size: i32,
    /// The last byte of the payload, if there is one.
    pub payload: Option<u8>,
}

/// How an instance ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Disposed of.
    Disposed,
    /// No writer is left.
    NoWriters,
}

/// The sample of this line: `"%-10s %-10s %03d %03d [%d]"`, and ` {%u}` for a payload.
pub fn sample(line: &str) -> Option<Sample> {
    let mut words = line.split_whitespace();
    let (topic, color) = (words.next()?, words.next()?);
    let number = |word: &str| -> Option<i32> {
        (!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())).then(|| word.parse().ok())?
    };
    let x = words.next().filter(|word| word.len() >= 3).and_then(number)?;
    let y = words.next().filter(|word| word.len() >= 3).and_then(number)?;
    let size = words.next()?.strip_prefix('[')?.strip_suffix(']').and_then(number)?;
    let payload = match words.next() {
        None => None,
        Some(word) => Some(word.strip_prefix('{')?.strip_suffix('}')?.parse().ok()?),
    };
    // The columns are ten wide, and one space apart.
    let head = format!("{topic:<10} {color:<10} {x:03} {y:03} [{size}]");
    (words.next().is_none() && line.starts_with(&head)).then(|| Sample {
        topic: topic.to_owned(),
        color: color.to_owned(),
        x,
        y,
        size,
        payload,
    })
}

/// The end of an instance that this line tells of: topic, key and how.
pub fn instance_end(line: &str) -> Option<(String, String, End)> {
    let mut words = line.split_whitespace();
    let (topic, color) = (words.next()?.to_owned(), words.next()?.to_owned());
    let end = match words.next()? {
        "NOT_ALIVE_DISPOSED_INSTANCE_STATE" => End::Disposed,
        "NOT_ALIVE_NO_WRITERS_INSTANCE_STATE" => End::NoWriters,
        _ => return None,
    };
    words.next().is_none().then_some((topic, color, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_as_they_are_printed() {
        let read = sample("Square     BLUE       012 007 [20]").unwrap();
        assert_eq!((read.topic.as_str(), read.color.as_str()), ("Square", "BLUE"));
        assert_eq!((read.x, read.y, read.size, read.payload), (12, 7, 20, None));
        assert_eq!(sample("Square     BLUE       012 007 [20] {255}").unwrap().payload, Some(255));
        for wrong in [
            "Square BLUE 012 007 [20]",
            "Square     BLUE       12 7 [20]",
            "Square     BLUE       012 007 20",
        ] {
            assert_eq!(sample(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ends_of_instances_are_told_apart() {
        assert_eq!(
            instance_end("Square     RED        NOT_ALIVE_DISPOSED_INSTANCE_STATE"),
            Some(("Square".into(), "RED".into(), End::Disposed))
        );
        assert_eq!(instance_end("Square     RED        ALIVE_INSTANCE_STATE"), None);
    }
}
