//! How values of each type are read and shown.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    path::PathBuf,
    str::FromStr,
};

use dds_qos::{
    Duration,
    profiles::{
        ProfileError, ProfileErrorKind, Suggestion,
        settings::{Node, NodeValue},
    },
};
use dds_transport::{
    AddressFamilies, InterfaceSelection, InterfaceSelector, MulticastUse, Offload, ParticipantIdChoice,
};

use crate::{Peer, UserMulticast};

/// A type of value.
pub(super) trait Value: Sized {
    /// What its values look like, for people.
    const FORM: &'static str;

    fn read(node: &Node) -> Result<Self, ProfileError>;

    /// As TOML, if there is anything to show.
    fn show(&self) -> Option<String>;
}

macro_rules! whole_numbers {
    ($($Number:ty: $least:literal $form:literal;)*) => {$(
        impl Value for $Number {
            const FORM: &'static str = $form;

            fn read(node: &Node) -> Result<Self, ProfileError> {
                let in_range = |number: &i64| *number >= $least;
                node.integer(Self::FORM, |number| Some(number).filter(in_range)?.try_into().ok())
            }

            fn show(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

whole_numbers! {
    u8: 0 "a whole number from 0 to 255";
    u16: 0 "a whole number from 0 to 65535";
    u32: 0 "a whole number from 0 to 4294967295";
    u64: 1 "a whole number from 1";
    usize: 1 "a whole number from 1";
}

impl Value for bool {
    const FORM: &'static str = "true or false";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        node.boolean()
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Value for Duration {
    const FORM: &'static str = "a span of time such as `\"100ms\"`, or `\"infinite\"`";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        node.duration()
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Value for String {
    const FORM: &'static str = "text";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        node.string().map(str::to_string)
    }

    fn show(&self) -> Option<String> {
        Some(quoted(self))
    }
}

/// Empty text takes away what a weaker source said.
impl Value for Option<String> {
    const FORM: &'static str = "text";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        node.string().map(|text| (!text.is_empty()).then(|| text.to_string()))
    }

    fn show(&self) -> Option<String> {
        self.as_deref().map(quoted)
    }
}

impl Value for Option<PathBuf> {
    const FORM: &'static str = "a path";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        node.string().map(|text| (!text.is_empty()).then(|| PathBuf::from(text)))
    }

    fn show(&self) -> Option<String> {
        self.as_ref().map(|path| quoted(&path.to_string_lossy()))
    }
}

impl Value for Ipv4Addr {
    const FORM: &'static str = "an IPv4 address";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        parsed(node, node.string()?, Self::FORM)
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Value for Ipv6Addr {
    const FORM: &'static str = "an IPv6 address";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        parsed(node, node.string()?, Self::FORM)
    }

    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Value for Vec<Peer> {
    const FORM: &'static str = "a list of IP addresses, each with or without port";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        node.strings()?.into_iter().map(|text| parsed(node, text, Self::FORM)).collect()
    }

    fn show(&self) -> Option<String> {
        Some(list(self))
    }
}

impl Value for InterfaceSelection {
    const FORM: &'static str = "`\"all\"`, `\"loopback\"`, or a list of names, addresses and subnets";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        Ok(match (&node.value, node.strings()?.as_slice()) {
            (NodeValue::String(_) | NodeValue::Untyped(_), ["all"]) => Self::All,
            (NodeValue::String(_) | NodeValue::Untyped(_), ["loopback"]) => Self::LoopbackOnly,
            (_, []) => return Err(node.wrong_type(Self::FORM)),
            (_, texts) => {
                let selectors = texts.iter().map(|text| parsed::<InterfaceSelector>(node, text, Self::FORM));
                Self::Matching(selectors.collect::<Result<_, _>>()?)
            }
        })
    }

    fn show(&self) -> Option<String> {
        Some(match self {
            Self::All => quoted("all"),
            Self::LoopbackOnly => quoted("loopback"),
            Self::Matching(selectors) => list(selectors),
        })
    }
}

impl Value for AddressFamilies {
    const FORM: &'static str = "`\"ipv4\"`, `\"ipv6\"` or `\"both\"`";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        name(node, &[("ipv4", Self::Ipv4), ("ipv6", Self::Ipv6), ("both", Self::Both)])
    }

    fn show(&self) -> Option<String> {
        Some(quoted(match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Both => "both",
        }))
    }
}

impl Value for MulticastUse {
    const FORM: &'static str = "true or false";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        Ok(if node.boolean()? { Self::Enabled } else { Self::Disabled })
    }

    fn show(&self) -> Option<String> {
        Some((*self == Self::Enabled).to_string())
    }
}

impl Value for UserMulticast {
    const FORM: &'static str = "`\"disabled\"`, `\"automatic\"` or `\"announced\"`";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        let names =
            [("disabled", Self::Disabled), ("automatic", Self::Automatic), ("announced", Self::Announced)];
        name(node, &names)
    }

    fn show(&self) -> Option<String> {
        Some(quoted(match self {
            Self::Disabled => "disabled",
            Self::Automatic => "automatic",
            Self::Announced => "announced",
        }))
    }
}

impl Value for Offload {
    const FORM: &'static str = "true or false";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        Ok(if node.boolean()? { Self::Automatic } else { Self::Disabled })
    }

    fn show(&self) -> Option<String> {
        Some((*self == Self::Automatic).to_string())
    }
}

impl Value for ParticipantIdChoice {
    const FORM: &'static str = "a whole number from 0, `\"automatic\"` or `\"ephemeral\"`";

    fn read(node: &Node) -> Result<Self, ProfileError> {
        let is_name = match &node.value {
            NodeValue::String(_) => true,
            NodeValue::Untyped(text) => {
                !text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
            }
            _ => false,
        };
        if is_name {
            return name(node, &[("automatic", Self::Automatic), ("ephemeral", Self::Ephemeral)]);
        }
        node.integer(Self::FORM, |number| u32::try_from(number).ok()).map(Self::Fixed)
    }

    fn show(&self) -> Option<String> {
        Some(match self {
            Self::Automatic => quoted("automatic"),
            Self::Ephemeral => quoted("ephemeral"),
            Self::Fixed(id) => id.to_string(),
        })
    }
}

fn parsed<V: FromStr>(node: &Node, text: &str, expected: &'static str) -> Result<V, ProfileError> {
    let found = format!("`{text}`");
    text.parse().map_err(|_| node.error(ProfileErrorKind::WrongType { expected, found }))
}

fn name<V: Copy>(node: &Node, names: &[(&str, V)]) -> Result<V, ProfileError> {
    let text = node.string()?;
    let known = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    known.map(|(_, value)| *value).ok_or_else(|| {
        let names = names.iter().map(|(name, _)| *name);
        node.error(ProfileErrorKind::UnknownName(Suggestion::new(text, names)))
    })
}

fn list(values: &[impl ToString]) -> String {
    let texts: Vec<String> = values.iter().map(|value| quoted(&value.to_string())).collect();
    format!("[{}]", texts.join(", "))
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => quoted += &format!("\\u{:04X}", u32::from(control)),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}
