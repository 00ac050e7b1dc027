//! QoS from a file: `cargo run -p examples --bin qos_profiles [domain]`.
//!
//! Loads `profiles/robot.toml`, makes a writer before its reader exists, and shows that the reader, which
//! comes late, still gets the state: the profile `state` is TRANSIENT_LOCAL. The same profiles are in
//! `profiles/robot.xml`, as DDS-XML. Then it shows what a mistake in such a file is answered with.
//! Everything stays on loopback.

use std::{error::Error, path::Path};

use dds_core::{
    DdsType, DomainParticipant,
    qos::{Duration, profiles::Profiles},
};

#[derive(Clone, Debug, PartialEq, DdsType)]
struct Mode {
    #[dds(key)]
    joint: u8,
    name: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let domain = examples::command_line::domain("qos_profiles");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let profiles = Profiles::from_path(directory.join("robot.toml"))?;
    println!("profiles: {}", profiles.names().collect::<Vec<_>>().join(", "));
    for topic in ["lidar", "camera/left"] {
        let qos = profiles.reader_qos("sensor", topic)?;
        println!("a \"sensor\" reader of {topic}: {}; deadline {}", qos.reliability, qos.deadline);
    }
    let of_xml = Profiles::from_path(directory.join("robot.xml"))?;
    for (name, xml_name) in profiles.names().zip(of_xml.names()) {
        let same = profiles.writer_qos(name, "camera/left")? == of_xml.writer_qos(xml_name, "camera/left")?
            && profiles.reader_qos(name, "camera/left")? == of_xml.reader_qos(xml_name, "camera/left")?;
        println!("{xml_name} of robot.xml is {} {name}", if same { "the same as" } else { "not" });
    }

    let participant = DomainParticipant::builder(domain).loopback_only().build()?;
    let topic = participant.topic::<Mode>(&format!("Mode{}", std::process::id()))?;
    let writer = topic.writer().qos(profiles.writer_qos("state", topic.name())?).build()?;
    for (joint, name) in [(1, "idle"), (2, "idle"), (1, "moving")] {
        writer.write(&Mode { joint, name: name.into() })?;
    }

    let late = topic.reader().qos(profiles.reader_qos("state", topic.name())?).build()?;
    let mut known = 0;
    while known < 2 {
        late.wait_for_data(Duration::from_secs(20))?;
        for sample in late.take()? {
            if let Some(mode) = sample.data() {
                known += 1;
                println!("the late reader knows: joint {} is {}", mode.joint, mode.name);
            }
        }
    }

    let mistaken = "[profiles.state]\nreader.durabilty = \"transient_local\"\n";
    if let Err(error) = Profiles::from_toml_str(mistaken) {
        println!("a mistake in a profile: {error}");
    }
    Ok(())
}
