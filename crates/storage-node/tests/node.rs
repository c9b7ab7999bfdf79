//! A storage node on a simulated disk, behind the router, through every port.

#[path = "node/accounts.rs"]
mod accounts;
#[path = "node/content.rs"]
mod content;
#[path = "node/delivery.rs"]
mod delivery;
#[path = "node/login.rs"]
mod login;
#[path = "node/mailboxes.rs"]
mod mailboxes;
#[path = "node/messages.rs"]
mod messages;
#[path = "node/moving.rs"]
mod moving;
#[path = "node/restart.rs"]
mod restart;
#[path = "node/search.rs"]
mod search;
#[path = "node/slots.rs"]
mod slots;
#[path = "node/slots_stage.rs"]
mod slots_stage;
#[path = "node/space.rs"]
mod space;
#[path = "node/support.rs"]
mod support;
#[path = "node/tickets.rs"]
mod tickets;
#[path = "node/tokens.rs"]
mod tokens;
#[path = "node/watch.rs"]
mod watch;
