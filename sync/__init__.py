"""The sync engine that node and hub share: a pure session core, its one driver, links and stores."""
