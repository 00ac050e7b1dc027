//! Captures inside a namespace, and what tshark says of them.

use crate::failure::Failure;
use crate::namespace::Namespace;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

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

    /// Stops it and returns the file.
    pub fn stop(mut self) -> Result<PathBuf, Failure> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status()?;
        self.child.wait()?;
        Ok(std::mem::take(&mut self.file))
    }
}

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

/// The packets of `file` that pass `filter`: frame number, summary and expert messages.
pub fn tshark(file: &Path, filter: &str) -> Result<Vec<String>, Failure> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file).args([
        "-o",
        "rtps.enable_rtps_reassembly:TRUE",
        "-o",
        "rtps.enable_user_data_dissection:TRUE",
    ]);
    command.args([
        "-Y",
        filter,
        "-T",
        "fields",
        "-e",
        "frame.number",
        "-e",
        "_ws.col.Info",
        "-e",
        "_ws.expert.message",
    ]);
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::Harness(format!("tshark: {error}")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}
