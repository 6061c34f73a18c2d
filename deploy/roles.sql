-- Two roles: the tables are of portal_owner, which migrations run as; the portal itself reads and writes rows, no more.
-- Once, as a superuser, in the portal's database and before its first migration, after:
--   CREATE ROLE portal_owner LOGIN PASSWORD '…'; CREATE ROLE portal LOGIN PASSWORD '…';
--   CREATE DATABASE portal OWNER portal_owner;
-- In a database that has tables already, owned by one role (`once`): first REASSIGN OWNED BY once TO portal_owner;
ALTER SCHEMA public OWNER TO portal_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO portal;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO portal;
ALTER DEFAULT PRIVILEGES FOR ROLE portal_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO portal;
ALTER DEFAULT PRIVILEGES FOR ROLE portal_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO portal;
