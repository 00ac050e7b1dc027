//! Bar charts of `docs/performance.md`, as SVG.

use std::fmt::Write;

/// One chart: a group of bars for each payload, a bar for each stack, on a logarithmic scale.
pub struct Chart {
    pub title: String,
    pub unit: &'static str,
    pub groups: Vec<(String, Vec<Bar>)>,
}

/// One bar of a group.
pub struct Bar {
    pub name: String,
    /// The median.
    pub value: f64,
    /// The least and the greatest of the runs.
    pub range: (f64, f64),
}

const WIDTH: f64 = 860.0;
/// Left of the bars, for names.
const NAMES: f64 = 330.0;
/// Right of the bars, for figures.
const FIGURES: f64 = 90.0;
const BAR: f64 = 15.0;
const GROUP: f64 = 26.0;
const TITLE: f64 = 34.0;
/// Ours stands out; readable on white and on black.
const OURS: &str = "#d9731a";
const OTHERS: &str = "#6f8fae";

impl Chart {
    /// The picture's text.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let bars = || self.groups.iter().flat_map(|(_, bars)| bars);
        let rows = bars().count() as f64;
        let height = TITLE + self.groups.len() as f64 * GROUP + rows * BAR + 12.0;
        let least = bars().map(|bar| bar.range.0).fold(f64::INFINITY, f64::min).max(1e-3);
        let most = bars().map(|bar| bar.range.1).fold(least, f64::max);
        // A little below the least, so that its bar is seen.
        let (low, high) = ((least / 1.6).log10(), most.log10());
        let span = (high - low).max(1e-3);
        let place = |value: f64| NAMES + (value.max(1e-3).log10() - low) / span * (WIDTH - NAMES - FIGURES);
        let mut out = String::new();
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"sans-serif\" font-size=\"11\">\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
             <text x=\"8\" y=\"20\" font-size=\"14\" font-weight=\"bold\">{} ({}, logarithmic)</text>",
            escape(&self.title),
            escape(self.unit)
        )?;
        let mut top = TITLE;
        for (group, bars) in &self.groups {
            writeln!(
                out,
                "<text x=\"8\" y=\"{:.1}\" font-weight=\"bold\">{}</text>",
                top + GROUP - 9.0,
                escape(group)
            )?;
            top += GROUP;
            for bar in bars {
                let (from, to) = (place(bar.range.0), place(bar.range.1));
                let (end, middle) = (place(bar.value), top + BAR / 2.0);
                writeln!(
                    out,
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
                     <rect x=\"{NAMES}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>\
                     <line x1=\"{from:.1}\" y1=\"{middle:.1}\" x2=\"{to:.1}\" y2=\"{middle:.1}\" stroke=\"#000000\"/>\
                     <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                    NAMES - 6.0,
                    top + BAR - 4.0,
                    escape(&bar.name),
                    top + 1.5,
                    end - NAMES,
                    BAR - 3.0,
                    if bar.name.starts_with("ours") { OURS } else { OTHERS },
                    to.max(end) + 5.0,
                    top + BAR - 4.0,
                    figure(bar.value)
                )?;
                top += BAR;
            }
        }
        out.push_str("</svg>\n");
        Ok(out)
    }
}

fn figure(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::{Bar, Chart};

    #[test]
    fn longer_bars_are_greater_values() {
        let bar = |name: &str, value| Bar { name: name.to_owned(), value, range: (value / 1.1, value * 1.1) };
        let bars = vec![bar("ours, a & b", 10.0), bar("theirs", 1000.0)];
        let text = Chart { title: "t".to_owned(), unit: "µs", groups: vec![("64 B".into(), bars)] }
            .render()
            .unwrap();
        assert!(text.contains("ours, a &amp; b"));
        let widths: Vec<f64> = text
            .split("<rect x=")
            .skip(1)
            .map(|bar| bar.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect();
        assert!(widths.len() == 2 && 0.0 < widths[0] && widths[0] < widths[1], "{widths:?}");
    }
}
