# A user has moved a message out of Junk. Written by mailctl.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];
# A move from Junk to Trash, or within Junk, does not mean ham
if environment :matches "imap.mailbox" ["Trash", "Junk", "Junk/*"] { stop; }
pipe :copy "learn" ["ham"];
