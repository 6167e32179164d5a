# A user has moved a message into Junk. Written by mailctl.
require ["vnd.dovecot.pipe", "copy"];
pipe :copy "learn" ["spam"];
