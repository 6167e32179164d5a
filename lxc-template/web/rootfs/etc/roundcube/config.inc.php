<?php
// Written by mailctl from lxc-template/web/rootfs/etc/roundcube/config.inc.php; changes to this copy are lost.
// Your own lines: <data_path>/custom/roundcube.inc.php, included at the end.

// Secrets of a session are encrypted with it; made for this installation
$config['des_key'] = '{{des_key}}';
$config['cipher_method'] = 'AES-256-CBC';

$config['db_dsnw'] = 'sqlite:////var/lib/mailserver/roundcube/roundcube.sqlite?mode=0600';
$config['temp_dir'] = '/var/lib/mailserver/roundcube/temp/';
$config['log_driver'] = 'stdout';
$config['log_session_id'] = 0;
$config['smtp_log'] = false;
$config['enable_installer'] = false;

// The mail server, over TLS with its certificate checked. /etc/hosts has its address
$verified = ['ssl' => [
  'verify_peer' => true,
  'verify_peer_name' => true,
  'allow_self_signed' => false,
  'peer_name' => '{{hostname}}',
  'cafile' => '{{ca_bundle}}',
]];
$config['imap_host'] = '{{imap_host}}';
$config['imap_conn_options'] = $verified;
$config['smtp_host'] = '{{smtp_host}}';
$config['smtp_conn_options'] = $verified;
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';
$config['smtp_helo_host'] = '{{hostname}}';
$config['managesieve_host'] = '{{sieve_host}}';
$config['managesieve_conn_options'] = $verified;
$config['imap_timeout'] = 30;
$config['smtp_timeout'] = 30;

// Dovecot's folders
$config['drafts_mbox'] = 'Drafts';
$config['sent_mbox'] = 'Sent';
$config['junk_mbox'] = 'Junk';
$config['trash_mbox'] = 'Trash';
$config['archive_mbox'] = 'Archive';
$config['create_default_folders'] = true;
$config['lock_special_folders'] = true;
$config['max_message_size'] = '{{message_size_limit}}';

// A message that is moved to Junk or back teaches the filter (dovecot/conf.d/80-learning.conf)
$config['plugins'] = [{{roundcube_plugins}}];
$config['markasjunk_learning_driver'] = null;
$config['markasjunk_read_spam'] = true;
$config['managesieve_vacation'] = 1;
$config['managesieve_forward'] = 1;
$config['zipdownload_selection'] = true;

// The address that a person logs in with is that of the first identity
$config['mail_domain'] = '%d';
$config['username_domain'] = '';
$config['identities_level'] = 0;
$config['product_name'] = 'Webmail';
$config['skin'] = 'elastic';
$config['support_url'] = '';
$config['session_lifetime'] = 60;
$config['session_samesite'] = 'Lax';
$config['use_https'] = true;
$config['login_autocomplete'] = 2;
$config['login_rate_limit'] = 10;
$config['show_images'] = 0;
$config['mdn_requests'] = 0;
$config['htmleditor'] = 4;
$config['draft_autosave'] = 180;
$config['address_book_type'] = 'sql';

if (is_readable('/custom/roundcube.inc.php')) {
  include '/custom/roundcube.inc.php';
}
