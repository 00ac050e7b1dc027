//! The table of keys.

use dds_qos::profiles::{ProfileError, settings::Node};

use super::{PREFIX, Settings, value::Value};

/// One row of [`KEYS`].
pub struct ConfigurationKey {
    /// The key: the field of [`ParticipantConfig`](crate::ParticipantConfig) that it sets, or one of its own.
    pub key: &'static str,
    /// What it is about.
    pub documentation: &'static str,
    form: fn(&Settings) -> &'static str,
    pub(super) set: fn(&mut Settings, &Node) -> Result<(), ProfileError>,
    /// The value as TOML, if it has one.
    pub(super) show: fn(&Settings) -> Option<String>,
}

impl ConfigurationKey {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key.to_ascii_uppercase().replace('.', "_"))
    }

    /// What its values look like.
    pub fn form(&self) -> &'static str {
        (self.form)(&Settings::default())
    }

    /// Its default as TOML; `None` when without a value.
    pub fn default_value(&self) -> Option<String> {
        (self.show)(&Settings::default())
    }
}

/// `doc* key => field;`: the field's type says how it is read and shown.
macro_rules! keys {
    ($($(#[doc = $doc:literal])* $key:literal => $($field:ident).+;)*) => {
        /// Every key, in the order in which they are shown.
        pub static KEYS: &[ConfigurationKey] = &[$(ConfigurationKey {
            key: $key,
            documentation: concat!($($doc),*),
            form: |settings| form_of(&settings.$($field).+),
            set: |settings, node| {
                settings.$($field).+ = Value::read(node)?;
                Ok(())
            },
            show: |settings| settings.$($field).+.show(),
        }),*];
    };
}

fn form_of<V: Value>(_: &V) -> &'static str {
    V::FORM
}

keys! {
    /// The domain of participants that are made from this configuration.
    "domain" => domain;
    /// The name of the participant, shown to people on other hosts.
    "name" => participant.name;
    /// Splits the domain: participants see only those with the same tag.
    "domain_tag" => participant.domain_tag;
    /// Addresses told of the participant besides the multicast group; without a port the first ten
    /// participants of that host.
    "initial_peers" => participant.initial_peers;
    /// How long others keep the participant without a sign of life of it.
    "lease_duration" => participant.lease_duration;
    /// How often the participant is announced.
    "announcement_period" => participant.announcement_period;
    /// How long a reliable writer that is dropped waits for acknowledgements.
    "linger" => participant.linger;
    /// Bytes of a large sample per fragment.
    "fragment_size" => participant.fragment_size;
    /// How long the first sample of a batch waits at most for others to share its datagram.
    "batch_window" => participant.batch_window;
    /// Payload bytes at which a batch leaves.
    "batch_bytes" => participant.batch_bytes;
    /// Bytes a volatile KEEP_ALL writer may have unacknowledged before `write` blocks.
    "window_bytes" => participant.window_bytes;
    /// The same, in samples.
    "window_samples" => participant.window_samples;
    /// How long a thread that waits for samples looks for them before it sleeps, where that has helped lately.
    "spin" => participant.spin;
    /// Whether endpoints announce what their types consist of.
    "announce_types" => participant.announce_types;
    /// Whether memory is shared with processes of ours on this host and of this user, where both can.
    "shared_memory" => participant.shared_memory;
    /// Whether samples for readers of several participants are sent once, to the domain's group; `"announced"` has other implementations send there too.
    "user_multicast" => participant.user_multicast;
    /// Bytes of samples that may be on the way to each of those processes, from 256 KiB to 64 MiB.
    "shared_memory_bytes" => participant.shared_memory_bytes;
    /// The interfaces used. `"all"` takes loopback only when there is no other.
    "transport.interfaces" => participant.transport.interfaces;
    /// The address families that get sockets.
    "transport.families" => participant.transport.families;
    /// Whether multicast groups are joined; without them `initial_peers` must be given.
    "transport.multicast" => participant.transport.multicast;
    /// The group for discovery by IPv4.
    "transport.multicast_group_v4" => participant.transport.multicast_group_v4;
    /// The group for discovery by IPv6.
    "transport.multicast_group_v6" => participant.transport.multicast_group_v6;
    /// How many routers a multicast datagram may pass, and one.
    "transport.multicast_ttl" => participant.transport.multicast_ttl;
    /// Bytes of receive buffer asked for; the system may grant less (`net.core.rmem_max`).
    "transport.receive_buffer" => participant.transport.receive_buffer;
    /// Bytes of send buffer asked for.
    "transport.send_buffer" => participant.transport.send_buffer;
    /// Bytes of the largest datagram that is built.
    "transport.max_datagram_size" => participant.transport.max_datagram_size;
    /// How the participant id is chosen, which decides the unicast ports.
    "transport.participant_id" => participant.transport.participant_id;
    /// Whether the kernel's segmentation and coalescing are tried.
    "transport.offload" => participant.transport.offload;
    /// PB of the port mapping (RTPS 2.5 §9.6.2.3), which must be the same in the whole domain.
    "transport.ports.port_base" => participant.transport.ports.port_base;
    /// DG of the port mapping.
    "transport.ports.domain_id_gain" => participant.transport.ports.domain_id_gain;
    /// PG of the port mapping.
    "transport.ports.participant_id_gain" => participant.transport.ports.participant_id_gain;
    /// d0 of the port mapping: metatraffic multicast.
    "transport.ports.d0" => participant.transport.ports.d0;
    /// d1 of the port mapping: metatraffic unicast.
    "transport.ports.d1" => participant.transport.ports.d1;
    /// d2 of the port mapping: user multicast.
    "transport.ports.d2" => participant.transport.ports.d2;
    /// d3 of the port mapping: user unicast.
    "transport.ports.d3" => participant.transport.ports.d3;
    /// A file of QoS profiles: TOML, JSON, DDS-XML or a vendor's. In a file, relative to that file.
    "qos.file" => qos_file;
    /// The profile that is asked for; without one the default that the file of profiles names.
    "qos.profile" => qos_profile;
}
