#!/bin/sh
# Run once by the PostgreSQL image, in an empty data folder: create the logins of the service.
#
# Neither is a superuser. `unseen_owner` owns the tables and migrates; `unseen_login` can only take on
# the role unseen_serve, which cannot rewrite the audit log.
set -eu
secrets=${SECRETS:-/run/secrets}
psql --set ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<END
\set owner_password \`cat $secrets/unseen_owner_password\`
\set login_password \`cat $secrets/unseen_login_password\`
SET log_statement = 'none';
SET log_min_duration_statement = -1;
CREATE ROLE unseen_serve NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
CREATE ROLE unseen_owner LOGIN PASSWORD :'owner_password' IN ROLE unseen_serve;
CREATE ROLE unseen_login LOGIN PASSWORD :'login_password' IN ROLE unseen_serve;
ALTER DATABASE :"DBNAME" OWNER TO unseen_owner;
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO unseen_login;
ALTER SCHEMA public OWNER TO unseen_owner;
END
