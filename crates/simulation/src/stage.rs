//! What every run has: a world, accounts in it, and clients whose doings are written down.

use std::ops::Range;
use std::sync::Arc;

use mailstore::StoreError;
use mailstore::account::QuotaLimits;
use mailstore::address::Address;
use mailstore::ports::{AccountSelector, Administration, Mail};
use parking_lot::Mutex;

use crate::checker::{AccountModel, Client as ClientNumber};
use crate::client::{Client, Identity, Views};
use crate::history::{AccountNumber, History};
use crate::imap::MailAccount;
use crate::random::Random;
use crate::world::World;

const PASSWORD: &str = "correct horse";

/// A world with accounts, and what is written down of it.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) history: Arc<Mutex<History>>,
    pub(crate) random: Random,
    views: Views,
    accounts: Vec<Address>,
}

impl Stage {
    /// Returns a stage for so many accounts, which are still to be made.
    pub(crate) fn new(world: World, history: Arc<Mutex<History>>, random: Random, accounts: usize) -> Self {
        let accounts = (0..accounts).map(|number| {
            let address = format!("user{number}@example.org");
            Address::parse(&address).expect("invariant: an address")
        });
        Self {
            world,
            history,
            random,
            views: Views::default(),
            accounts: accounts.collect(),
        }
    }

    /// Returns the numbers of the accounts.
    pub(crate) fn accounts(&self) -> Range<AccountNumber> {
        0..self.accounts.len()
    }

    /// Makes an account, with limits if there are to be any, and begins its history.
    pub(crate) async fn make_account(
        &mut self,
        account: AccountNumber,
        limits: Option<QuotaLimits>,
    ) -> Result<(), StoreError> {
        let address = self.address(account);
        self.world.add_account(address.as_str(), PASSWORD).await?;
        if let Some(limits) = limits {
            let selector = AccountSelector::Address(address.clone());
            self.world.router().account_set_limits(&selector, limits).await?;
        }
        let session = self.world.session(address.as_str(), PASSWORD).await?;
        let tree = session.router.mailbox_tree(&session.caller).await?;
        let model = AccountModel::of(&tree, limits.unwrap_or_default());
        self.history.lock().begin(account, model);
        Ok(())
    }

    /// Logs a client in, once.
    pub(crate) async fn client(&mut self, account: AccountNumber, number: u32) -> Result<Client, StoreError> {
        let address = self.address(account);
        // Each comes another way, as the sessions of proxies do.
        let way = format!("proxy-{}", 1 + number % 2);
        let session = self.world.session_through(&way, address.as_str(), PASSWORD).await?;
        let identity = Identity {
            number: ClientNumber(number),
            account,
            address,
            views: self.views.clone(),
            holders: self.world.holders.clone(),
        };
        let random = self.random.fork();
        Ok(Client::new(identity, session, random, Arc::clone(&self.history)))
    }

    /// Returns an account for mail programs.
    pub(crate) async fn mail_account(&mut self, account: AccountNumber, proxies: &[String]) -> Result<MailAccount, StoreError> {
        let address = self.address(account);
        self.world.add_account(address.as_str(), PASSWORD).await?;
        let all = (&self.world.proxies, proxies);
        Ok(MailAccount::new(address, PASSWORD, all, &self.history))
    }

    fn address(&self, account: AccountNumber) -> Address {
        let address = self.accounts.get(account);
        address.expect("invariant: an account of the run").clone()
    }
}
