// RowStore: to come.
