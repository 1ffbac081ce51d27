// StoreService: to come.
