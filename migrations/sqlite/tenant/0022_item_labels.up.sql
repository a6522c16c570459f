-- The labels of an item, for those who ask whether it bears any: the primary key leads by label.
CREATE INDEX idx_item_labels_work_item_id ON item_labels (tenant_id, work_item_id, label_id);
