DROP TABLE item_templates;
