"""What people see of the platform: the read model of the pages, over the ledger alone. No row of a person is read here."""
