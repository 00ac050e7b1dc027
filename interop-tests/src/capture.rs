//! Captures inside a namespace, and what tshark says of them.

use crate::failure::Failure;
use crate::namespace::Namespace;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running tcpdump, stopped on drop.
#[derive(Debug)]
pub struct Capture {
    child: Child,
    file: PathBuf,
}

impl Capture {
    /// Captures UDP on the namespace's interface into `file`; returns when packets are being taken.
    pub fn start(namespace: &Namespace, file: PathBuf) -> Result<Self, Failure> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace.name(), "tcpdump", "-i", namespace.interface()]);
        // Immediate, so that nothing is missing when it stops. Its ring then has one slot of the snapshot length
        // for each packet: room for a thousand of the largest.
        command.args(["--immediate-mode", "-U", "-s", "65600", "-B", "65536"]);
        command.args(["-Z", "root", "-w"]).arg(&file).arg("udp");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let Some(stderr) = child.stderr.take() else {
            return Err(Failure::Harness("tcpdump has no stderr".to_owned()));
        };
        let capture = Capture { child, file };
        let mut lines = BufReader::new(stderr).lines();
        while let Some(Ok(line)) = lines.next() {
            if line.contains("listening on") {
                std::thread::spawn(move || lines.by_ref().for_each(drop));
                return Ok(capture);
            }
        }
        Err(Failure::Harness("tcpdump did not start".to_owned()))
    }

    /// Stops it, when it has written what it took as far as can be told, and returns the file.
    pub fn stop(mut self) -> Result<PathBuf, Failure> {
        self.settle();
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status()?;
        self.child.wait()?;
        Ok(std::mem::take(&mut self.file))
    }
}

impl Capture {
    /// Waits until the file grows no more: on a busy machine tcpdump lags behind, and does not read to the end
    /// when it is stopped.
    fn settle(&self) {
        let size = || std::fs::metadata(&self.file).map_or(0, |data| data.len());
        let (mut last, mut quiet) = (size(), 0);
        for _ in 0..SETTLES_WITHIN {
            std::thread::sleep(LOOKS_EVERY);
            let now = size();
            quiet = if now == last { quiet + 1 } else { 0 };
            last = now;
            if quiet == SETTLED_AFTER {
                return;
            }
        }
    }
}

/// Between looks at a file that may grow.
const LOOKS_EVERY: Duration = Duration::from_millis(50);
/// Looks without growth that are enough, and looks at all: others on the wire may go on for ever.
const SETTLED_AFTER: usize = 4;
const SETTLES_WITHIN: usize = 30;

impl Drop for Capture {
    fn drop(&mut self) {
        // Both fail only when it has been stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The vendor id in our datagrams, as tshark prints it.
pub const OWN_VENDOR: &str = "0x01dd";

/// Checks our datagrams in a capture: DATA, HEARTBEAT and ACKNACK of ours are there, and of ours nothing is
/// malformed or worth a warning.
pub fn check_own(file: &Path) -> Result<(), Failure> {
    for (what, id) in [("DATA", "0x15"), ("HEARTBEAT", "0x07"), ("ACKNACK", "0x06")] {
        let filter = format!("rtps.vendorId == {OWN_VENDOR} && rtps.sm.id == {id}");
        if tshark(file, &filter)?.is_empty() {
            return Err(Failure::Mismatch(format!("the capture holds no {what} of ours")));
        }
    }
    let filter =
        format!("rtps.vendorId == {OWN_VENDOR} && (_ws.malformed || _ws.expert.severity >= 0x600000)");
    let complaints = tshark(file, &filter)?;
    match complaints.first() {
        None => Ok(()),
        Some(first) => {
            Err(Failure::Mismatch(format!("tshark complains {} times, first: {first}", complaints.len())))
        }
    }
}

/// How many DATA of writers that are not built-in ones a capture holds: a datagram may hold several.
pub fn user_data(file: &Path) -> Result<usize, Failure> {
    let lines = fields(file, "rtps.sm.id == 0x15", &["rtps.sm.id", "rtps.sm.wrEntityId"])?;
    Ok(lines.iter().map(|line| user_data_in(line)).sum())
}

/// The same of one datagram: the ids of its submessages, and the writers of those that name one.
fn user_data_in(line: &str) -> usize {
    let (submessages, writers) = line.split_once('\t').unwrap_or_default();
    // ACKNACK, HEARTBEAT, GAP, NACK_FRAG, HEARTBEAT_FRAG, DATA and DATA_FRAG.
    let with_writer = ["0x06", "0x07", "0x08", "0x12", "0x13", "0x15", "0x16"];
    let submessages = submessages.split(',').filter(|id| with_writer.contains(id));
    // The kinds of entities that users have: writers with keys and without.
    let is_user = |writer: &str| writer.ends_with("02") || writer.ends_with("03");
    submessages.zip(writers.split(',')).filter(|(id, writer)| *id == "0x15" && is_user(writer)).count()
}

/// The packets of `file` that pass `filter`: frame number, summary and expert messages.
pub fn tshark(file: &Path, filter: &str) -> Result<Vec<String>, Failure> {
    fields(file, filter, &["frame.number", "_ws.col.Info", "_ws.expert.message"])
}

/// The same with these fields, of which each may stand several times in a packet.
fn fields(file: &Path, filter: &str, fields: &[&str]) -> Result<Vec<String>, Failure> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file).args([
        "-o",
        "rtps.enable_rtps_reassembly:TRUE",
        "-o",
        "rtps.enable_user_data_dissection:TRUE",
    ]);
    command.args(["-Y", filter, "-T", "fields"]).args(fields.iter().flat_map(|field| ["-e", field]));
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::Harness(format!("tshark: {error}")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::user_data_in;

    #[test]
    fn data_is_counted_by_its_own_writer() {
        assert_eq!(user_data_in("0x0e,0x09,0x15,0x15,0x07\t0x00000102,0x00000103,0x00000102"), 2);
        assert_eq!(user_data_in("0x09,0x15,0x07\t0x000100c2,0x00000103"), 0, "the HEARTBEAT is no DATA");
        assert_eq!(user_data_in("0x0e,0x06,0x09,0x15\t0x00000102,0x000003c2"), 0);
    }
}
