//! Bounds that hold before the parser sees the text: it looks for double attributes by comparing each with
//! each, and copies the namespaces in scope for every element that declares one.

use crate::profiles::error::{ProfileError, ProfileErrorKind};
use crate::profiles::node::Places;

/// Elements within each other. DDS-XML has nine levels, vendors a few more.
pub(super) const MAX_DEPTH: usize = 32;
const MAX_ATTRIBUTES: usize = 64;
const MAX_NAMESPACES: usize = 64;

/// Whether depth, attributes of an element and namespaces of the file are within bounds. Where the text is
/// no XML this says nothing: the parser will.
pub(super) fn check(places: &Places<'_>) -> Result<(), ProfileError> {
    let text = places.text();
    let mut scan = Scan { rest: text, depth: 0, namespaces: 0 };
    while let Some((what, limit)) = scan.step() {
        let Some(limit) = limit else { continue };
        let offset = text.len().saturating_sub(scan.rest.len());
        return Err(ProfileErrorKind::TooMuch { what, limit }.at(places.of(offset)));
    }
    Ok(())
}

struct Scan<'a> {
    rest: &'a str,
    depth: usize,
    namespaces: usize,
}

impl Scan<'_> {
    /// One piece of markup: a bound that it exceeds, or none; nothing at the end of what can be read.
    fn step(&mut self) -> Option<(&'static str, Option<usize>)> {
        const FINE: Option<(&str, Option<usize>)> = Some(("", None));
        const CLOSED_BY: &[(&str, &str)] = &[("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
        self.skip_to("<")?;
        if let Some((open, close)) = CLOSED_BY.iter().find(|(open, _)| self.rest.starts_with(open)) {
            self.rest = self.rest.get(open.len()..)?;
            self.skip_to(close)?;
            self.rest = self.rest.get(close.len()..)?;
            return FINE;
        }
        if self.rest.starts_with("</") {
            self.depth = self.depth.saturating_sub(1);
            self.rest = self.rest.get(2..)?;
            return FINE;
        }
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Some(("elements within each other", Some(MAX_DEPTH)));
        }
        self.rest = self.rest.get(1..)?;
        let mut attributes = 0_usize;
        loop {
            let end = self.rest.find(['"', '\'', '>'])?;
            let (before, from_end) = self.rest.split_at_checked(end)?;
            if from_end.starts_with('>') {
                if before.ends_with('/') {
                    self.depth = self.depth.saturating_sub(1);
                }
                return FINE;
            }
            attributes = attributes.saturating_add(1);
            if before.contains("xmlns") {
                self.namespaces = self.namespaces.saturating_add(1);
            }
            if attributes > MAX_ATTRIBUTES {
                return Some(("attributes of an element", Some(MAX_ATTRIBUTES)));
            }
            if self.namespaces > MAX_NAMESPACES {
                return Some(("namespaces", Some(MAX_NAMESPACES)));
            }
            let quote = if from_end.starts_with('"') { "\"" } else { "'" };
            self.rest = from_end.get(1..)?;
            self.skip_to(quote)?;
            self.rest = self.rest.get(1..)?;
        }
    }

    fn skip_to(&mut self, what: &str) -> Option<()> {
        self.rest = self.rest.get(self.rest.find(what)?..)?;
        Some(())
    }
}
