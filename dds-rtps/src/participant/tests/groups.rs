//! When samples for a peer's readers may go by a group.

use super::*;
use crate::{structure::VendorId, writer::GroupPath};

const SAMPLES: Locator = Locator::udp_v4([239, 255, 0, 1], 7401);
const OTHER: Locator = Locator::udp_v4([239, 255, 0, 9], 7401);

/// A writer at host 1, of ours, and a reader at host 2, of another implementation, which announce these groups.
fn network(
    ours: &[Locator],
    theirs: &[Locator],
    change: impl FnOnce(&mut [ParticipantConfig; 2]),
) -> Network {
    let mut network = Network::new(6);
    let mut configs = [Network::config(1), Network::config(2)];
    configs[0].data.own_groups = ours.to_vec();
    configs[1].data.default_multicast_locators = theirs.to_vec();
    change(&mut configs);
    for config in configs {
        network.add(config);
    }
    network.add_writer(0, 1, "Square", PublicationQos::default());
    network.add_reader(1, 1, "Square", reliable_reader());
    network.run(Duration::from_secs(2));
    network
}

/// What the writer was told, first and last.
fn groups(network: &Network) -> Vec<Option<GroupPath>> {
    let of = |event: &DiscoveryEvent| match event {
        DiscoveryEvent::Match { remote, .. } | DiscoveryEvent::MatchChanged { remote, .. } => {
            Some(remote.group)
        }
        _ => None,
    };
    network.nodes[0].events.iter().filter_map(of).collect()
}

fn hear(network: &mut Network) {
    let now = network.now;
    network.nodes[0].participant.heard_by_group(now, prefix_of(2));
    network.run(Duration::from_millis(20));
}

#[test]
fn a_group_that_both_are_in_is_used_once_an_announcement_came_by_a_group() {
    let mut network = network(&[SAMPLES], &[OTHER, SAMPLES], |_| {});
    assert_eq!(groups(&network), [None]);
    hear(&mut network);
    let path = Some(GroupPath { locator: SAMPLES, pays: true });
    assert_eq!(groups(&network), [None, path]);
    hear(&mut network);
    assert_eq!(groups(&network), [None, path], "no news");
}

#[test]
fn ours_tell_each_other_of_groups_that_others_are_not_told_of() {
    for (vendor, expected) in [(VendorId::OURS, 2), (VendorId::EPROSIMA, 1)] {
        let mut network = network(&[SAMPLES], &[], |configs| {
            configs[1].data.own_groups = std::vec![SAMPLES];
            configs[1].data.vendor = vendor;
        });
        hear(&mut network);
        assert_eq!(groups(&network).len(), expected, "{vendor:?}");
    }
}

#[test]
fn nobody_names_a_group_that_we_are_not_in() {
    for (ours, theirs) in [(&[SAMPLES][..], &[OTHER][..]), (&[], &[SAMPLES]), (&[SAMPLES], &[])] {
        let mut network = network(ours, theirs, |_| {});
        hear(&mut network);
        assert_eq!(groups(&network), [None]);
    }
}

#[test]
fn only_those_that_are_one_hop_away_get_anything_by_a_group() {
    let mut network = network(&[SAMPLES], &[SAMPLES], |configs| configs[0].interfaces[0].prefix_length = 32);
    hear(&mut network);
    assert_eq!(groups(&network), [None]);
}

#[test]
fn a_group_that_leaves_the_host_does_not_pay_for_a_reader_on_it() {
    let on_one_host = |configs: &mut [ParticipantConfig; 2]| {
        let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
        let other = configs[0].interfaces[0];
        configs[0].interfaces.push(Interface { address, ..other });
    };
    let mut here = network(&[SAMPLES], &[SAMPLES], on_one_host);
    hear(&mut here);
    assert_eq!(groups(&here).last(), Some(&Some(GroupPath { locator: SAMPLES, pays: false })));
}
