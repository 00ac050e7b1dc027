//! Memory shared with processes of this host: who is believed, when matches wait, which address they have.

use super::*;
use crate::structure::{LocatorKind, SharedMemoryName, VendorId};

const NAME: SharedMemoryName = SharedMemoryName([7; 16]);
const PATH: Locator = Locator { kind: LocatorKind::SHARED_MEMORY, port: 3, address: NAME.0 };

/// Participants 1 and 2, of one host where `same_host`, which announce that they share memory.
fn network(same_host: bool, vendor: VendorId) -> Network {
    let mut network = Network::new(4);
    for host in [1, 2] {
        let mut config = Network::config(host);
        config.data.shared_memory = Some(NAME);
        config.data.vendor = vendor;
        if same_host {
            let other = config.interfaces[0];
            let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 3 - host));
            config.interfaces.push(Interface { address, ..other });
        }
        network.add(config);
    }
    network.add_writer(0, 1, "Square", PublicationQos::default());
    network.add_reader(1, 1, "Square", reliable_reader());
    network
}

fn locators(network: &Network) -> Vec<Locator> {
    let of = |event: &DiscoveryEvent| match event {
        DiscoveryEvent::Match { remote, .. } | DiscoveryEvent::MatchChanged { remote, .. } => {
            Some(remote.locators[0])
        }
        _ => None,
    };
    network.nodes[0].events.iter().filter_map(of).collect()
}

#[test]
fn matches_wait_until_it_is_settled_and_have_its_address() {
    let mut network = network(true, VendorId::OURS);
    network.run(Duration::from_millis(20));
    assert_eq!(network.nodes[0].participant.shared_memory_of(prefix_of(2)), Some(NAME));
    assert_eq!(locators(&network), []);
    let now = network.now;
    network.nodes[0].participant.set_shared_path(now, prefix_of(2), Some(PATH));
    network.run(Duration::from_millis(200));
    assert_eq!(locators(&network), [PATH]);
    // Its end is no end of the match.
    let now = network.now;
    network.nodes[0].participant.set_shared_path(now, prefix_of(2), None);
    network.run(Duration::from_millis(20));
    assert_eq!(locators(&network), [PATH, Locator::udp_v4([10, 0, 0, 2], 7411)]);
    assert_eq!(network.matched(0).len(), 1);
}

#[test]
fn matches_do_not_wait_for_ever() {
    let mut network = network(true, VendorId::OURS);
    let took = network.run_to(|network| !locators(network).is_empty());
    assert!(took >= crate::timing::SHARING_SETTLED_WITHIN && took < Duration::from_millis(1100), "{took}");
    assert_eq!(locators(&network), [Locator::udp_v4([10, 0, 0, 2], 7411)]);
    // What is settled late is used all the same.
    let now = network.now;
    network.nodes[0].participant.set_shared_path(now, prefix_of(2), Some(PATH));
    network.run(Duration::from_millis(20));
    assert_eq!(locators(&network).last(), Some(&PATH));
}

#[test]
fn neither_other_hosts_nor_other_vendors_are_believed() {
    for (same_host, vendor) in [(false, VendorId::OURS), (true, VendorId::EPROSIMA)] {
        let mut network = network(same_host, vendor);
        let took = network.run_to(|network| !locators(network).is_empty());
        assert!(took <= Duration::from_millis(20), "{took}");
        assert_eq!(network.nodes[0].participant.shared_memory_of(prefix_of(2)), None);
        assert_eq!(network.nodes[0].participant.is_sharing_announced(prefix_of(2)), !same_host);
    }
}
