DROP TABLE llm_requests;
DROP TABLE llm_deployments;
DROP TABLE llm_aliases;
DROP TABLE llm_providers;
